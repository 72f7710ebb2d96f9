"""MLflow's model registry in the job: files, and a record of each new version."""

import functools
import os
import warnings
from pathlib import Path
from typing import Any

from mlflow.store.model_registry import file_store
from mlflow.utils.file_utils import local_file_uri_to_path

from ..contract.variables import MLFLOW_STORE_VARIABLE
from .artifacts import find_owner
from .changes import REGISTRY
from .layout import find_registry, find_spool, find_store
from .recorded_store import recording_changes
from .spool import Spool, open_spool

_FileStore: Any = file_store.FileStore  # of which not all versions have types


def open_job_registry() -> "JobRegistry":
    """Opens the registry of the job that this process belongs to."""
    folder = Path(os.environ[MLFLOW_STORE_VARIABLE])
    return _open_registry(find_registry(folder), open_spool(find_spool(folder)))


@functools.cache
def _open_registry(folder: Path, spool: Spool) -> "JobRegistry":
    return JobRegistry(folder, spool)


@recording_changes(REGISTRY)
class JobRegistry(_FileStore):  # type: ignore[misc]
    """MLflow's file registry, with versions whose source has an address that others understand.

    Args:
        folder: The registry's folder.
        spool: Where changes are written.
    """

    def __init__(self, folder: Path, spool: Spool) -> None:
        self.spool = spool
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # some versions would have another store
            super().__init__(str(folder))

    def create_model_version(self, name: str, source: str, *arguments: Any, **options: Any) -> Any:
        return super().create_model_version(name, name_source(source), *arguments, **options)


def name_source(source: str) -> str:
    """Returns ``runs:/<run id>/<path>`` or ``models:/<model id>`` for a path of the job's store."""
    if "://" in source and not source.startswith("file:"):
        return source
    store = find_store(Path(os.environ[MLFLOW_STORE_VARIABLE]))
    owner = find_owner(store, Path(local_file_uri_to_path(source)))
    if owner is None:
        return source
    kind, each, path = owner
    return f"runs:/{each}/{path}" if kind == "run" else f"models:/{each}"
