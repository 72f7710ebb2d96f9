"""The environment of a task: takes its messages, metrics and artifacts."""

import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from ...errors import TaskDefinitionError
from ...logger import Logger

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

    Attributes:
        result: ``metrics`` maps each name to its last value; artifacts are nested by their path, so that
            ``result["runs"][0]["model"]`` is the first run's model.
    """

    def __init__(self) -> None:
        self.result: dict[str, Any] = {"metrics": {}, "runs": {}}

    def log(self, message: object) -> None:
        Logger.info(message)

    def store_artifact(self, path: Sequence[str | int], name: str, artifact: Any) -> None:
        folder = self.result
        for part in path:
            folder = folder.setdefault(part, {})  # type: ignore[arg-type]
        folder[name] = artifact

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        self.result["metrics"][name] = value
        Logger.info(f"###{name}:{value!r}")

    def track(self, items: Sequence[T], unit: str = "step") -> Iterable[T]:
        from tqdm.auto import tqdm

        return tqdm(items, unit=unit, disable=None)  # None: shown on a terminal and in a notebook, nowhere else
