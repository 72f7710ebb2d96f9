"""MLflow's model registry in the job: files, and a record of each new version."""

import functools
import warnings
from pathlib import Path
from typing import Any

from mlflow.store.model_registry import file_store
from mlflow.utils.file_utils import local_file_uri_to_path

from .artifacts import find_owner
from .changes import REGISTRY
from .recorded_store import recording_changes
from .spool import Spool, open_spool
from .store_folder import find_store_folder

_FileStore: Any = file_store.FileStore  # of which not all versions have types


def open_job_registry() -> "JobRegistry":
    """Opens the registry of the job that this process belongs to."""
    files = find_store_folder()
    return _open_registry(files.registry, open_spool(files.spool))


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
            super().__init__(folder.as_uri())

    def create_model_version(self, name: str, source: str, *arguments: Any, **options: Any) -> Any:
        return super().create_model_version(name, name_source(source), *arguments, **options)


def name_source(source: str) -> str:
    """Returns ``runs:/<run id>/<path>`` or ``models:/<model id>`` for a path of the job's store."""
    if "://" in source and not source.startswith("file:"):
        return source
    owner = find_owner(find_store_folder().runs, Path(local_file_uri_to_path(source)))
    if owner is None:
        return source
    kind, each, path = owner
    return f"runs:/{each}/{path}" if kind == "run" else f"models:/{each}"
