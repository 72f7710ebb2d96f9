"""Places the values of a parameter or a metric along an axis: numbers by their size, anything else side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tg_mlflow.figures.labels import as_label
from tg_mlflow.sweeps.report.table import SweepChildResult, as_key, is_number

MOST_VALUES_AS_TICKS = 8
LONGEST_LEGEND = 40

_LOG_FROM = 100
_MOST_CATEGORIES_AS_TICKS = 20
_LONGEST_NAME = 24
_LONGEST_VALUE = 14


@dataclass(frozen=True)
class SweepAxis:
    """Values of one parameter or metric, one for each child.

    Attributes:
        name: The parameter's or the metric's.
        coordinates: Where each value is: itself if all are numbers, else the number of its category, from 0 on.
            A metric that a child does not have is NaN.
        categories: The labels of the categories; none for numbers.
        is_log: Whether the values are all positive, and the greatest is at least 100 times the least.
    """

    name: str
    coordinates: tuple[float, ...]
    categories: tuple[str, ...] = ()
    is_log: bool = False

    @property
    def label(self) -> str:
        """The name; a long one without its beginning, which is the path to a part of the task."""
        name = as_label(self.name, len(self.name))
        parts = name.split(".")
        while len(".".join(parts)) > _LONGEST_NAME and len(parts) > 1:
            parts.pop(0)
        end = ".".join(parts)[-_LONGEST_NAME:]
        return end if end == name else f"…{end}"

    @property
    def full_label(self) -> str:
        """The label, and whether the scale is logarithmic."""
        return f"{self.label} (log)" if self.is_log else self.label

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest coordinate of all; for categories those of the first and the last one."""
        if self.categories:
            return 0, len(self.categories) - 1
        known = [each for each in self.coordinates if not math.isnan(each)]
        return min(known), max(known)

    def scale(self, coordinate: float) -> float:
        """Returns a coordinate's position from the least, 0, to the greatest, 1; 0.5 if all are equal."""
        least, greatest = self.range
        if least == greatest:
            return math.nan if math.isnan(coordinate) else 0.5
        if self.is_log:
            least, greatest, coordinate = math.log(least), math.log(greatest), math.log(coordinate)
        return coordinate / (greatest - least) - least / (greatest - least)

    @property
    def values(self) -> list[float]:
        """The coordinates that occur, each once, in ascending order."""
        return sorted({each for each in self.coordinates if not math.isnan(each)})

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Returns ticks and their labels: the values that occur if there are few, else five."""
        if self.categories:
            every = math.ceil(len(self.categories) / _MOST_CATEGORIES_AS_TICKS)
            return [(float(i), label) for i, label in enumerate(self.categories) if i % every == 0]
        values = self.values
        if len(values) > MOST_VALUES_AS_TICKS:
            least, greatest = self.range
            quarters = (0, 0.25, 0.5, 0.75, 1)
            if self.is_log:
                values = [least ** (1 - q) * greatest**q for q in quarters]
            else:
                values = [least * (1 - q) + greatest * q for q in quarters]
        return list(zip(values, format_numbers(values), strict=True))


def build_parameter_axis(
    children: Sequence[SweepChildResult], name: str, grid: Mapping[str, Sequence[Any]]
) -> SweepAxis:
    """Builds the axis of a parameter, on which categories are in the order of the grid, then of the children."""
    values = [child.parameters.get(name) for child in children]
    numbers = [float(value) for value in values if value is not None and is_number(value)]
    if len(numbers) == len(values):
        return _build_number_axis(name, numbers)
    keys = [as_key(value) for value in values]
    labels = {as_key(value): as_label(value, _LONGEST_VALUE) for value in [*grid.get(name, ()), *values]}
    occurring = [key for key in labels if key in keys]
    categories = tuple(labels[key] for key in occurring)
    return SweepAxis(name, tuple(float(occurring.index(key)) for key in keys), categories)


def build_metric_axis(children: Sequence[SweepChildResult], name: str) -> SweepAxis:
    """Builds the axis of a metric, which some of the children may not have."""
    values = [child.get_metric(name) for child in children]
    return _build_number_axis(name, [math.nan if value is None else value for value in values])


def format_numbers(values: Sequence[float]) -> list[str]:
    """Formats different numbers differently, with four digits if these suffice."""
    for digits in range(4, 17):
        labels = [_format_number(value, digits) for value in values]
        if len(set(labels)) == len(set(values)):
            return labels
    return [repr(value) for value in values]


def _build_number_axis(name: str, values: Sequence[float]) -> SweepAxis:
    known = [each for each in values if not math.isnan(each)]
    is_log = min(known) > 0 and max(known) / _LOG_FROM >= min(known) * (1 - 1e-9)  # 0.1, 1, 10
    return SweepAxis(name, tuple(values), is_log=is_log)


def _format_number(value: float, digits: int) -> str:
    if value == int(value) and abs(value) < 1e5:
        return str(int(value))
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
