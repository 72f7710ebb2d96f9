"""The variables, the argument and the exit codes of a job."""

import os
import signal
from pathlib import Path

from .ml_folder import MlFolder

# The job's name, which SageMaker sets.
JOB_NAME_VARIABLE = "TRAINING_JOB_NAME"
# Which of the package's objects is the job; by default `job`.
RESOURCE_VARIABLE = "TG_RESOURCE"
# The dataset's path in the data channel.
DATASET_VARIABLE = "TG_DATASET"
# The counterpart of /opt/ml, if the job runs without a container.
ML_FOLDER_VARIABLE = "TG_ML_FOLDER"
# The job's current folder; by default a new temporary one.
WORK_FOLDER_VARIABLE = "TG_WORK_FOLDER"
# How many seconds a job has from SIGTERM to its end, if not SageMaker's 120.
STOP_SECONDS_VARIABLE = "TG_STOP_SECONDS"
# The run on the launcher's server that the training records into, and the name of its experiment.
RUN_ID_VARIABLE = "TG_RUN_ID"
# The same id, if no server has such a run, as the job itself has made it up.
MADE_UP_RUN_ID_VARIABLE = "TG_MADE_UP_RUN_ID"
EXPERIMENT_VARIABLE = "TG_EXPERIMENT"
# The folder of MLflow's store in the job, for the job's processes.
MLFLOW_STORE_VARIABLE = "TG_MLFLOW_STORE"
# The attempt that created the job; only launchers read it.
SUBMISSION_VARIABLE = "TG_SUBMISSION"
# How several machines train together, as contract/cluster.py formats it.
DISTRIBUTION_VARIABLE = "TG_DISTRIBUTION"
# What this process does for a training on several machines, and where it keeps what it makes.
ROLE_VARIABLE = "TG_ROLE"
MEMBER_VARIABLE = "TG_MEMBER"
RANK_ROLE, CLIENT_ROLE, SCHEDULER_ROLE, WORKER_ROLE = "rank", "client", "scheduler", "worker"
# Whether the leader's log is that of all machines, where the place does not keep the others'.
JOINED_LOG_VARIABLE = "TG_JOINED_LOG"
# The folder of machines that are processes of this one, which the leader starts.
LOCAL_HOSTS_VARIABLE = "TG_LOCAL_HOSTS"

# The variables that keep MLflow from sending its makers how it is used, for which it starts a thread when imported.
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

# The argument with which SageMaker starts a training's container.
TRAIN_ARGUMENT = "train"

EXIT_FAILED = 1
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_KILLED = 128 + signal.SIGKILL
EXIT_TERMINATED = 128 + signal.SIGTERM

# The value of TG_DATASET if the data channel itself is the dataset.
WHOLE_CHANNEL = "."


def find_ml_folder() -> MlFolder:
    """Finds ``/opt/ml``, or its counterpart for this process."""
    member = os.environ.get(MEMBER_VARIABLE, "")
    root = os.environ.get(ML_FOLDER_VARIABLE)
    return MlFolder(Path(root), member) if root else MlFolder(member=member)


def is_distributed() -> bool:
    """Returns whether this process is a host's first one, which starts an engine."""
    return DISTRIBUTION_VARIABLE in os.environ and ROLE_VARIABLE not in os.environ


def is_of_dask() -> bool:
    """Returns whether this process runs no task, but what Dask needs for one."""
    return os.environ.get(ROLE_VARIABLE) in (SCHEDULER_ROLE, WORKER_ROLE)


def is_one_of_several() -> bool:
    """Returns whether this process is one of several that an engine has started."""
    return ROLE_VARIABLE in os.environ


def describe_dataset(dataset: Path) -> str:
    """Formats ``TG_DATASET`` for :func:`find_dataset`: a file's name, or ``.`` for a folder."""
    return dataset.name if dataset.is_file() else WHOLE_CHANNEL


def find_dataset(folder: MlFolder) -> Path | None:
    """Finds a job's dataset: what ``TG_DATASET`` names in the data channel, ``.`` being the channel itself.

    Without that variable, it is the channel's only file, or else the channel; ``None`` without a channel.
    """
    if not folder.data.is_dir():
        return None
    if name := os.environ.get(DATASET_VARIABLE):
        return folder.data / name
    entries = list(folder.data.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_file() else folder.data
