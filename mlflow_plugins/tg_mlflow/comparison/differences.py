"""In what two runs differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tg.common.secrets import SecretMask

FIRST, SECOND = "first", "second"

# What a run is made of, in the order in which it explains what comes of it, and what comes of it.
CAUSES = ("code", "data", "parameter", "config", "place", "python", "library", "machine", "threads", "seed")
OUTCOMES = ("metric", "predictions", "status")


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ, or of which at least one of them has not recorded what it was.

    Attributes:
        kind: One of ``CAUSES`` or ``OUTCOMES``.
        name: What it is, such as the name of a file, parameter, library or metric.
        first: What it is in the first run; ``None`` if it has none, or has not recorded it.
        second: What it is in the second run.
        not_recorded: Which runs have not recorded it, such as ``("first",)``.
    """

    kind: str
    name: str
    first: str | None
    second: str | None
    not_recorded: tuple[str, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether neither run has recorded it."""
        return self.not_recorded == (FIRST, SECOND) and self.first is self.second is None


@dataclass(frozen=True)
class SourceDifference(Difference):
    """A file of the project.

    Attributes:
        unified_diff: The changes of a text, as ``diff -u`` writes them; empty for other files and large ones.
    """

    unified_diff: str = ""


@dataclass(frozen=True)
class MetricDifference(Difference):
    """A metric, with both values of the first point that differs; ``None`` where a run does not have that point.

    Attributes:
        step: The step of that point.
        equal_points: How many points are the same.
        first_points: How many points the first run has.
        second_points: How many points the second run has.
    """

    step: int = 0
    equal_points: int = 0
    first_points: int = 0
    second_points: int = 0


@dataclass(frozen=True)
class PredictionDifference(Difference):
    """A table of predictions, with both values of the first cell that differs.

    Attributes:
        row: The row of that cell, from 0.
        column: Its column.
        equal_rows: How many rows are the same.
        first_rows: How many rows the first run has.
        second_rows: How many rows the second run has.
    """

    row: int = 0
    column: str = ""
    equal_rows: int = 0
    first_rows: int = 0
    second_rows: int = 0


@dataclass(frozen=True)
class Comparison:
    """All in which two runs differ.

    Attributes:
        differences: The differences, in the order of their kinds.
        equal_metrics: How many metrics are the same in all points.
        equal_points: How many points these have.
    """

    differences: tuple[Difference, ...]
    equal_metrics: int = 0
    equal_points: int = 0

    @property
    def causes(self) -> tuple[Difference, ...]:
        """What could explain that the outcomes differ."""
        return tuple(each for each in self.differences if each.kind in CAUSES)

    @property
    def outcomes(self) -> tuple[Difference, ...]:
        """In what the results of the trainings differ."""
        return tuple(each for each in self.differences if each.kind in OUTCOMES)

    def without_secrets(self, mask: SecretMask) -> "Comparison":
        """Returns the same comparison with secrets masked in all its texts, such as the source of files."""
        return replace(self, differences=tuple(_mask(each, mask) for each in self.differences))

    @property
    def is_identical(self) -> bool:
        """Whether the runs are known to be the same in everything."""
        return not self.differences


def _mask(difference: Difference, mask: SecretMask) -> Difference:
    texts = {name: value for name, value in vars(difference).items() if isinstance(value, str) and name != "kind"}
    masked: dict[str, Any] = {name: mask.mask(value) for name, value in texts.items()}
    return replace(difference, **masked)


def compare_values(kind: str, name: str, first: str | None, second: str | None) -> Iterator[Difference]:
    """Compares a value of two runs; ``None`` stands for one that is not recorded, and is the same as no other."""
    missing = tuple(side for side, value in ((FIRST, first), (SECOND, second)) if value is None)
    if missing or first != second:
        yield Difference(kind, name, first, second, missing)


def compare_named(kind: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Difference]:
    """Compares named values of two runs, of which one may not have a name of the other's."""
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            yield Difference(kind, name, first.get(name), second.get(name))


def count(number: int, what: str) -> str:
    """Writes a number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
