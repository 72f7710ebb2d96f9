"""MLflow's artifacts in the job: files, of which small ones are recorded at once, such as figures and tables.

All artifacts travel in the result archive, too.
"""

import base64
import logging
import os
import weakref
from pathlib import Path
from typing import Any

from mlflow.store.artifact import local_artifact_repo

from .artifacts import find_owner
from .spool import open_spool
from .store_folder import find_store_folder

_LocalArtifactRepository: Any = local_artifact_repo.LocalArtifactRepository  # of which not all versions have types

_logger = logging.getLogger(__name__)

_MOST_BYTES = 64_000
# For a process; a table that grows is written anew each time.
_MOST_BYTES_IN_ALL = 8_000_000

_MODEL_FILE = "MLmodel"

_left_bytes = _MOST_BYTES_IN_ALL
_opened = weakref.WeakSet[Any]()


class JobArtifactRepository(_LocalArtifactRepository):  # type: ignore[misc]
    """MLflow's folder of artifacts."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _opened.add(self)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        super().log_artifact(local_file, artifact_path)
        _try_to_record(Path(self.artifact_dir, artifact_path or "", os.path.basename(local_file)))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        super().log_artifacts(local_dir, artifact_path)
        if os.path.exists(os.path.join(local_dir, _MODEL_FILE)):
            return  # a model is of use as a whole
        for file in sorted(Path(local_dir).rglob("*")):
            if file.is_file():
                _try_to_record(Path(self.artifact_dir, artifact_path or "", file.relative_to(local_dir)))


def flush_artifacts() -> None:
    """Waits for artifacts that this process logs in the background."""
    for each in list(_opened):
        if hasattr(each, "flush_async_logging"):  # from MLflow 2.13
            each.flush_async_logging()


def _try_to_record(file: Path) -> None:
    """Records a file of a run if it is small, and can be read again."""
    try:
        _record(file)
    except OSError as error:  # it is in the result archive in any case
        _logger.info("%s is recorded at the training's end: %s", file, error)


def _record(file: Path) -> None:
    global _left_bytes
    files = find_store_folder()
    owner = find_owner(files.runs, file)
    if owner is None or owner[0] != "run":
        return
    size = file.stat().st_size
    if size <= min(_MOST_BYTES, _left_bytes):
        _left_bytes -= size
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        record = {"op": "file", "run": owner[1], "model": None, "path": owner[2], "data": data}
        open_spool(files.spool).write(record)
