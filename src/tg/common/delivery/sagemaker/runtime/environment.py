"""The environment of a training whose results become an archive."""

from collections.abc import Sequence
from typing import Any

from ....logger import Logger
from ....ml.training_core import TrainingEnvironment
from ....module_specs import is_instance_of
from ...delivery.package.pickling import Rename, dump_pickle, dump_renamed_pickle
from ..contract.metric_lines import format_metric_line
from ..contract.ml_folder import MlFolder


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

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        Logger.info(format_metric_line(name, value, step))
