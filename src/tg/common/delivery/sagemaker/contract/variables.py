"""What a job is told by its variables, and what its exit code says."""

import signal
from pathlib import Path

# Which of the package's objects is the job; `job` where it is not set.
RESOURCE_VARIABLE = "TG_RESOURCE"
# Where the dataset is in the data channel.
DATASET_VARIABLE = "TG_DATASET"
# What stands for /opt/ml, where the job runs without a container.
ML_FOLDER_VARIABLE = "TG_ML_FOLDER"
# The job's current folder; a new temporary one where it is not set.
WORK_FOLDER_VARIABLE = "TG_WORK_FOLDER"

EXIT_FAILED = 1
EXIT_TERMINATED = 128 + signal.SIGTERM


def describe_dataset(dataset: Path) -> str:
    """What ``TG_DATASET`` says of a dataset: its name in the data channel, ``.`` for the channel itself."""
    return dataset.name if dataset.is_file() else "."
