"""What a job is told by its variables and its argument, and what its exit code says."""

import os
import signal
from pathlib import Path

from .ml_folder import MlFolder

# The job's name, which SageMaker tells it.
JOB_NAME_VARIABLE = "TRAINING_JOB_NAME"
# Which of the package's objects is the job; `job` where it is not set.
RESOURCE_VARIABLE = "TG_RESOURCE"
# Where the dataset is in the data channel.
DATASET_VARIABLE = "TG_DATASET"
# What stands for /opt/ml, where the job runs without a container.
ML_FOLDER_VARIABLE = "TG_ML_FOLDER"
# The job's current folder; a new temporary one where it is not set.
WORK_FOLDER_VARIABLE = "TG_WORK_FOLDER"
# Which attempt has created the job; read by launchers only.
SUBMISSION_VARIABLE = "TG_SUBMISSION"

# What SageMaker starts a training's container with.
TRAIN_ARGUMENT = "train"

EXIT_FAILED = 1
EXIT_KILLED = 128 + signal.SIGKILL
EXIT_TERMINATED = 128 + signal.SIGTERM

# What TG_DATASET says where the data channel is the dataset.
WHOLE_CHANNEL = "."


def find_ml_folder() -> MlFolder:
    """Finds the folder that stands for ``/opt/ml`` in this process."""
    root = os.environ.get(ML_FOLDER_VARIABLE)
    return MlFolder(Path(root)) if root else MlFolder()


def describe_dataset(dataset: Path) -> str:
    """Writes what ``TG_DATASET`` says of a dataset, for :func:`find_dataset`: a file's name, or ``.`` for a folder."""
    return dataset.name if dataset.is_file() else WHOLE_CHANNEL


def find_dataset(folder: MlFolder) -> Path | None:
    """Finds a job's dataset: what ``TG_DATASET`` names in the data channel, ``.`` being the channel itself.

    Without that variable it is the channel's only file, or else the channel; ``None`` where there is no channel.
    """
    if not folder.data.is_dir():
        return None
    if name := os.environ.get(DATASET_VARIABLE):
        return folder.data / name
    entries = list(folder.data.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_file() else folder.data
