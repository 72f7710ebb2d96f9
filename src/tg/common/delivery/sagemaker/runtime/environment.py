"""The environment of a training whose results become an archive."""

import base64
import shutil
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ....errors import TaskDefinitionError
from ....exception_text import describe_exception
from ....logger import Logger
from ....ml.training_core import Checkpoint, TrainingEnvironment
from ....ml.training_core.artifact_folder import ArtifactFolder
from ....module_specs import is_instance_of
from ....system.replaced_file import replacing_file
from ...delivery.package.pickling import Rename, dump_pickle, dump_renamed_pickle
from ..archive.names import LOGGED, LOGGED_EXAMPLE, LOGGED_MODEL, LOGGED_MODELS
from ..contract import own_lines
from ..contract.cluster import Cluster, read_cluster
from ..contract.job_lines import FILE, PROGRESS, write_job_line
from ..contract.metric_lines import format_metric_line
from ..contract.ml_folder import MlFolder
from .job_checkpoints import JobCheckpoints
from .stop_request import STOP_REQUEST

# The largest file that the log carries, and what all of them may have together: a picture that is logged in each epoch
# is written anew each time.
_MOST_BYTES = 64_000
_MOST_BYTES_IN_ALL = 8_000_000
# Steps may take no time at all, and nobody looks so often.
_PROGRESS_SECONDS = 1


class ArchiveEnvironment(TrainingEnvironment):
    """Writes artifacts below a folder, and everything else as lines of the training log, metrics as metric lines.

    A stored data frame becomes ``<name>.parquet``, anything else ``<name>.pkl``. What is logged is in the archive, and
    if it is small, in the log, too, so that it is in the run at once.

    Args:
        ml: ``/opt/ml``, or its counterpart, whose folder ``model`` becomes the archive.
        package: The file of the package that the training runs from.
        rename: Maps a module to the name that pickles refer to it by, if that differs from its own, as in the
            launcher's process.
    """

    def __init__(self, ml: MlFolder, package: bytes = b"", rename: Rename | None = None) -> None:
        self.ml = ml
        self.package = package
        self._folder = ml.model
        self._rename = rename
        self._progress_time = float("-inf")
        self._left_bytes = _MOST_BYTES_IN_ALL
        self._checkpoints = JobCheckpoints(ml.checkpoints, rename)

    @cached_property
    def _cluster(self) -> Cluster:
        return read_cluster(self.ml)

    @property
    def hosts(self) -> Sequence[str]:
        return self._cluster.hosts

    @property
    def host(self) -> str:
        return self._cluster.host

    @property
    def is_leader(self) -> bool:
        return not self.ml.member

    @property
    def is_attached(self) -> bool:
        """Whether the launcher's own process trains."""
        return self._rename is not None

    def log(self, message: object) -> None:
        Logger.info(message)

    def store_artifact(self, path: Sequence[str | int], name: str, artifact: Any) -> None:
        file = self._folder.joinpath(*map(str, path), name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if is_instance_of(artifact, "pandas", "DataFrame"):
            artifact.to_parquet(f"{file}.parquet")
        else:
            with open(f"{file}.pkl", "wb") as output:
                self._pickle(artifact, output)
        Logger.info(own_lines.SAVED.format(file))

    def _write_progress(self, done: int, of: int, unit: str) -> None:
        now = time.monotonic()
        if now - self._progress_time >= _PROGRESS_SECONDS:
            self._progress_time = now
            said = {"done": done, "of": of, "unit": unit, "time": time.time_ns() // 1_000_000}
            write_job_line({"op": PROGRESS, **said})

    @property
    def output_folder(self) -> Path:
        self.ml.output_data.mkdir(parents=True, exist_ok=True)
        return self.ml.output_data

    def _keep(self, name: str, content: bytes | Path, is_table: bool = False) -> None:
        file = ArtifactFolder(self._folder / LOGGED).write(name, content, is_table)
        record: dict[str, Any] = {"op": FILE, "path": name, "is_table": is_table}
        size = file.stat().st_size
        if size <= min(_MOST_BYTES, self._left_bytes):
            self._left_bytes -= size
            record["data"] = base64.b64encode(file.read_bytes()).decode("ascii")
        write_job_line(record)
        Logger.info(f"Logged {name}")

    def _keep_model(self, name: str, model: Any, example: bytes | None) -> None:
        folder = self._folder / LOGGED_MODELS / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            if example is not None:
                (folder / LOGGED_EXAMPLE).write_bytes(example)
            # Last and at once: a model that is there is whole.
            with replacing_file(folder / LOGGED_MODEL, self._folder / LOGGED) as file:
                self._pickle(model, file)
        except Exception as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise
            raise TaskDefinitionError(f"the model {name!r} cannot be pickled: {describe_exception(error)}") from error
        write_job_line({"op": FILE, "path": f"model {name}"})
        Logger.info(f"Logged model {name}")

    def _pickle(self, value: Any, file: IO[bytes]) -> None:
        if self._rename is None:
            dump_pickle(value, file)
        else:
            file.write(dump_renamed_pickle(value, self._rename)[0])

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        number = self._checkpoints.count_point(name)
        Logger.info(format_metric_line(name, value, number if step is None else step))

    def _save_checkpoint(self, state: Any, step: int) -> None:
        if self.is_leader:
            self._checkpoints.save(state, step)
        else:
            self._checkpoints.leave_to_leader()

    def latest_checkpoint(self) -> Checkpoint | None:
        return self._checkpoints.load_latest()

    @property
    def is_stopping(self) -> bool:
        return STOP_REQUEST.is_made
