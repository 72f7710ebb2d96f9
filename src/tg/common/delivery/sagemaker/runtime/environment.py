"""The environment of a training whose results become an archive."""

import time
from collections.abc import Sequence
from typing import Any

from ....logger import Logger
from ....ml.training_core import TrainingEnvironment
from ....module_specs import is_instance_of
from ...delivery.package.pickling import Rename, dump_pickle, dump_renamed_pickle
from ..contract.job_lines import PROGRESS, write_job_line
from ..contract.metric_lines import format_metric_line
from ..contract.ml_folder import MlFolder

# Steps may take no time at all, and nobody looks so often.
_PROGRESS_SECONDS = 1


class ArchiveEnvironment(TrainingEnvironment):
    """Writes artifacts below a folder, and everything else as lines of the training log, metrics as metric lines.

    A data frame becomes ``<name>.parquet``, anything else ``<name>.pkl``.

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
                if self._rename is None:
                    dump_pickle(artifact, output)
                else:
                    output.write(dump_renamed_pickle(artifact, self._rename)[0])
        Logger.info(f"Saved artifact {file}")

    def _write_progress(self, done: int, of: int, unit: str) -> None:
        now = time.monotonic()
        if now - self._progress_time >= _PROGRESS_SECONDS:
            self._progress_time = now
            said = {"done": done, "of": of, "unit": unit, "time": time.time_ns() // 1_000_000}
            write_job_line({"op": PROGRESS, **said})

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        Logger.info(format_metric_line(name, value, step))
