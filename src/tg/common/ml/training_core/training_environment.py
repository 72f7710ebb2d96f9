"""The environment of a task: takes its messages, metrics and artifacts."""

import atexit
import math
import numbers
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ...errors import TaskDefinitionError
from ...logger import Logger
from ...system.temporary_folder import temporary_folder
from .artifact_content import build_figure, build_table
from .artifact_folder import ArtifactFolder, check_artifact_name
from .checkpoint import Checkpoint
from .checkpoint_folder import FOLDER_NAME, CheckpointFolder
from .logged_model import build_example, check_model

T = TypeVar("T")


class TrainingEnvironment(ABC):
    """Takes a task's messages, metrics and artifacts. Each place has its own."""

    @abstractmethod
    def log(self, message: object) -> None:
        """Takes one message for people."""

    @abstractmethod
    def store_artifact(self, path: Sequence[str | int], name: str, artifact: Any) -> None:
        """Takes one artifact of the training.

        Args:
            path: The folder, as its parts: ``["runs", 0]``.
            name: The artifact's name, without an ending.
            artifact: Any object; data frames are kept in a table format, the rest is pickled.
        """

    def output_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Takes one value of a metric.

        Args:
            name: The metric's name, one line, without ``###``.
            value: A real number; NaN and infinities are values too.
            step: The position on the metric's curve, such as an epoch or a fold; by default, values are counted.

        Raises:
            TaskDefinitionError: If the name or the value is invalid in a metric line.
        """
        if not isinstance(name, str) or not name.strip() or "###" in name or name.splitlines() != [name]:
            raise TaskDefinitionError(f"metric name {name!r} is not one line of text without '###'; rename the metric")
        # An array or tensor of one element is not a Real, but one number all the same.
        number: Any = value
        if hasattr(number, "item") and math.prod(getattr(number, "shape", (0,))) == 1:
            number = number.item()
        if not isinstance(number, numbers.Real):
            shown = " ".join(repr(value).split())[:100]
            raise TaskDefinitionError(f"metric {name!r} has the value {shown}, which is not a number; report a float")
        position: Any = step
        if position is not None and not _is_whole(position):
            raise TaskDefinitionError(f"metric {name!r} has the step {position!r}; give a whole number")
        self._write_metric(name, float(number), None if position is None else int(position))

    @abstractmethod
    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        """Takes one metric value that has passed the checks."""

    def log_progress(self, done: int, of: int, unit: str = "step") -> None:
        """Tells how far the training is, for the description of its run, which adds how long the rest will take.

        Args:
            done: How many are done, from 0 on.
            of: How many there are.
            unit: One of them, such as ``epoch``.

        Raises:
            TaskDefinitionError: If these are no whole numbers, or more are done than there are.
        """
        if not _is_whole(done) or not _is_whole(of) or not 0 <= done <= of:
            raise TaskDefinitionError(f"progress is {done!r} of {of!r}; give whole numbers, such as 3 of 10")
        if not isinstance(unit, str) or not unit.strip():
            raise TaskDefinitionError(f"the unit of progress is {unit!r}; give a word, such as 'epoch'")
        self._write_progress(int(done), int(of), unit)

    def _write_progress(self, done: int, of: int, unit: str) -> None:  # noqa: B027 - an environment may leave it so
        """Takes progress that has passed the checks; by default, nobody looks at it."""

    def save_checkpoint(self, state: Any, step: int) -> None:
        """Keeps the training's state, from which it goes on where it is started again.

        If the job has been asked to stop, the training ends here, once the state is kept.

        Args:
            state: Anything that can be pickled, and that :meth:`latest_checkpoint` is to give back.
            step: How many steps are done.

        Raises:
            TaskDefinitionError: If ``step`` is no whole number from 0 on, or the state cannot be pickled.
        """
        if not _is_whole(step) or step < 0:
            raise TaskDefinitionError(f"the step of a checkpoint is {step!r}; give a whole number from 0 on")
        self._save_checkpoint(state, int(step))

    def _save_checkpoint(self, state: Any, step: int) -> None:
        """Keeps a state whose step has passed the checks."""
        raise NotImplementedError(f"{type(self).__name__} keeps no checkpoints")

    def latest_checkpoint(self) -> Checkpoint | None:
        """Returns the last checkpoint of this training, or of the one that it resumes; ``None`` at a first start.

        One that cannot be read is said so in the log, and the one before it is returned.

        Raises:
            CheckpointError: If there are checkpoints, and none of them can be read.
        """
        return None

    @property
    def is_stopping(self) -> bool:
        """Whether the job has been asked to stop: save a checkpoint now."""
        return False

    @property
    def hosts(self) -> Sequence[str]:
        """The names of the machines that train together; the first one is the leader."""
        return ("algo-1",)

    @property
    def host(self) -> str:
        """The name of this machine."""
        return self.hosts[0]

    @property
    def is_leader(self) -> bool:
        """Whether this is the first of the processes that train together: its metrics and files are the training's."""
        return True

    def log_figure(self, figure: Any, name: str) -> None:
        """Keeps a figure, as it is now, as an artifact of the run.

        Args:
            figure: Of matplotlib, or of what is built on it, such as seaborn, or of plotly.
            name: Its path in the run, whose ending is its form: ``plots/roc.png``, ``.svg``, ``.pdf``, and for plotly
                ``.html``. A name that is given again replaces the artifact.

        Raises:
            TaskDefinitionError: If it is no figure or the name is not possible, such as ``../roc.png``, or one that the
                run needs itself, such as ``logs/roc.png``.
        """
        self._keep(check_artifact_name(name), build_figure(figure, name))

    def log_table(self, table: Any, name: str) -> None:
        """Keeps a table, as it is now, as an artifact of the run, which MLflow's ``load_table`` reads.

        Args:
            table: A data frame, or a dictionary of columns.
            name: Its path in the run, as in :meth:`log_figure`. ``scores.parquet`` keeps everything. ``scores.json`` is
                shown by MLflow's pages: numbers have 15 digits, times milliseconds, dots in columns' names are slashes,
                and what JSON does not have is text, or null if it is not finite.

        Raises:
            TaskDefinitionError: If it is no table, cannot be written in this form, or the name is not possible.
        """
        self._keep(check_artifact_name(name), build_table(table, name), is_table=True)

    def log_file(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Keeps a copy of a file, as it is now, as an artifact of the run.

        Args:
            path: The file.
            name: Its path in the run, as in :meth:`log_figure`; by default, the file's own name.

        Raises:
            TaskDefinitionError: If there is no such file, or the name is not possible.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TaskDefinitionError(f"the file to be logged is {path!r:.300}; give its path")
        file = Path(path)
        checked = check_artifact_name(file.name if name is None else name)
        if not file.is_file():
            what = "is a folder; write to environment.output_folder" if file.is_dir() else "is no file; write it first"
            raise TaskDefinitionError(f"{str(file)!r}, which is to be logged as {checked!r}, {what}")
        self._keep(checked, file)

    def log_model(self, model: Any, name: str = "model", example: Any = None) -> None:
        """Keeps a model, as it is now, as a logged model of the run, which MLflow loads and serves anywhere.

        Args:
            model: Any object with a method ``predict`` that can be pickled.
            name: The model's name. A name that is given again replaces the model.
            example: A data frame of what it predicts from; the first rows become the model's example and signature, and
                the logged model must predict from them as this one does.

        Raises:
            TaskDefinitionError: If it does not predict, or the name or the example is not possible.
        """
        check_model(model, name)
        self._keep_model(name, model, None if example is None else build_example(example, name))

    @property
    @abstractmethod
    def output_folder(self) -> Path:
        """A folder whose files become artifacts of the run, below ``output``, when the training ends."""

    @abstractmethod
    def _keep(self, name: str, content: bytes | Path, is_table: bool = False) -> None:
        """Keeps an artifact whose name has passed the checks: its content, or the file that has it."""

    @abstractmethod
    def _keep_model(self, name: str, model: Any, example: bytes | None) -> None:
        """Keeps a model that has passed the checks, with a few rows of what it predicts from, as parquet."""

    def track(self, items: Sequence[T], unit: str = "step") -> Iterable[T]:
        """Yields ``items``, showing how far the training is where someone can see it."""
        for done, item in enumerate(items):
            self.log_progress(done, len(items), unit)
            yield item
        if len(items) > 0:
            self.log_progress(len(items), len(items), unit)


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Real) and float(value).is_integer()


class InMemoryTrainingEnvironment(TrainingEnvironment):
    """Keeps everything in memory and prints to the training log, metrics as ``###name:value``.

    What is logged as a file is in a temporary folder, until this Python ends.

    Args:
        checkpoints: The folder of the checkpoints; by default a temporary one.

    Attributes:
        result: ``metrics`` maps each name to its last value; artifacts are nested by their path, so that
            ``result["runs"][0]["model"]`` is the first run's model. ``files`` maps the names of logged figures, tables
            and files to their paths, ``models`` the names of models to these themselves, and ``output_folder`` is that
            folder's path, each once there are any.
    """

    def __init__(self, checkpoints: str | os.PathLike[str] | None = None) -> None:
        self.result: dict[str, Any] = {"metrics": {}, "runs": {}}
        self._checkpoints_path = None if checkpoints is None else Path(checkpoints)

    def log(self, message: object) -> None:
        Logger.info(message)

    def store_artifact(self, path: Sequence[str | int], name: str, artifact: Any) -> None:
        folder = self.result
        for part in path:
            folder = folder.setdefault(part, {})  # type: ignore[arg-type]
        folder[name] = artifact

    @property
    def output_folder(self) -> Path:
        folder = self._folder / "output"
        folder.mkdir(exist_ok=True)
        self.result["output_folder"] = folder
        return folder

    @cached_property
    def _folder(self) -> Path:
        opened = ExitStack()
        folder = opened.enter_context(temporary_folder())
        atexit.register(opened.close)  # the result, which is all that is left of this object, has its paths
        return folder

    @cached_property
    def _checkpoints(self) -> CheckpointFolder:
        return CheckpointFolder((self._checkpoints_path or self._folder / "checkpoints") / FOLDER_NAME)

    def _save_checkpoint(self, state: Any, step: int) -> None:
        self._checkpoints.save(state, step)

    def latest_checkpoint(self) -> Checkpoint | None:
        kept = self._checkpoints.load_latest()
        return None if kept is None else kept.checkpoint

    def _keep(self, name: str, content: bytes | Path, is_table: bool = False) -> None:
        file = ArtifactFolder(self._folder).write(name, content, is_table)
        self.result.setdefault("files", {})[name] = file

    def _keep_model(self, name: str, model: Any, example: bytes | None) -> None:
        self.result.setdefault("models", {})[name] = model

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        self.result["metrics"][name] = value
        Logger.info(f"###{name}:{value!r}")

    def track(self, items: Sequence[T], unit: str = "step") -> Iterable[T]:
        from tqdm.auto import tqdm

        return tqdm(items, unit=unit, disable=None)  # None: shown on a terminal and in a notebook, nowhere else
