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
        is_whole = isinstance(position, numbers.Real) and float(position).is_integer()
        if position is not None and not is_whole:
            raise TaskDefinitionError(f"metric {name!r} has the step {position!r}; give a whole number")
        self._write_metric(name, float(number), None if position is None else int(position))

    @abstractmethod
    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        """Takes one metric value that has passed the checks."""

    def track(self, items: Sequence[T]) -> Iterable[T]:
        """Yields ``items``, showing how far the training is where someone can see it."""
        return items


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

    def track(self, items: Sequence[T]) -> Iterable[T]:
        from tqdm.auto import tqdm

        return tqdm(items, disable=None)  # None: shown on a terminal and in a notebook, nowhere else
