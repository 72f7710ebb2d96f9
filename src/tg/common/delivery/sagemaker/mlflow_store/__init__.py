"""MLflow in the job: a store that keeps what a training records, and passes each change on through the job's log.

MLflow loads it as a plug-in of the package, in each process of the training. Apart from the contract, it imports
nothing of ours; a training that does not use MLflow imports only ``recording``."""

from .recording import recording_mlflow

__all__ = [
    "recording_mlflow",
]
