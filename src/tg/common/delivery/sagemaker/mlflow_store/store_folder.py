"""The files of MLflow in a job."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..contract.variables import MLFLOW_STORE_VARIABLE


@dataclass(frozen=True)
class StoreFolder:
    """The paths of a job's store.

    Attributes:
        root: The folder itself.
    """

    root: Path

    @property
    def spool(self) -> Path:
        """The file through which a training's processes hand their changes to the job."""
        return self.root / "spool"

    @property
    def runs(self) -> Path:
        """The folder of the tracking store."""
        return self.root / "store"

    @property
    def params(self) -> Path:
        """The file of what the training's run has as params from the beginning."""
        return self.root / "params.json"

    @property
    def registry(self) -> Path:
        """The folder of the model registry."""
        return self.root / "registry"


def find_store_folder() -> StoreFolder:
    """Finds the store of the job that this process belongs to."""
    return StoreFolder(Path(os.environ[MLFLOW_STORE_VARIABLE]))
