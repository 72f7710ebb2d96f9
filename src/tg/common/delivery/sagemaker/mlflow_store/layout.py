"""What lies where in the folder of a job's store."""

from pathlib import Path


def find_spool(folder: Path) -> Path:
    """Returns the file through which a training's processes hand their changes to the job."""
    return folder / "spool"


def find_store(folder: Path) -> Path:
    """Returns the folder of MLflow's own files."""
    return folder / "store"


def find_registry(folder: Path) -> Path:
    """Returns the folder of the files of MLflow's model registry."""
    return folder / "registry"


def find_params(folder: Path) -> Path:
    """Returns the file of what the training's run has as params from the beginning."""
    return folder / "params.json"
