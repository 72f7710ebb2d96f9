"""The points of a metric, and the first in which two runs differ."""

from collections.abc import Sequence
from itertools import groupby, zip_longest
from typing import NamedTuple

from tg_mlflow.comparison.differences import MetricDifference
from tg_mlflow.tracking.client import TrackingClient


class Point(NamedTuple):
    """One value of a metric."""

    step: int
    time_ms: int
    value: float


def read_history(client: TrackingClient, run_id: str, key: str) -> list[Point]:
    """Reads all points of a metric, in the order of their steps and, within a step, of time.

    Raises:
        TrackingError: If the tracking server does not answer.
    """
    points = [Point(each.step, each.timestamp, each.value) for each in client.get_metric_history(run_id, key)]
    return sorted(points, key=lambda point: (point.step, point.time_ms, point.value != point.value, point.value))


def compare_histories(name: str, first: Sequence[Point], second: Sequence[Point]) -> MetricDifference | None:
    """Compares the points of two runs, as :func:`read_history` has them, by step and order; NaN equals NaN.

    Of the values of one step and one millisecond, MLflow keeps neither the order nor repeats. A step that has such
    values is the same if both runs have the same values in it.

    Returns:
        The first point that differs; ``None`` if none does.
    """
    steps = [
        {step: list(points) for step, points in groupby(each, lambda point: point.step)} for each in (first, second)
    ]
    equal, found = 0, None
    for step in sorted(steps[0].keys() | steps[1].keys()):
        pair = steps[0].get(step, []), steps[1].get(step, [])
        values = [[_comparable(point.value) for point in points] for points in pair]
        if values[0] == values[1] or (any(map(_has_ties, pair)) and set(values[0]) == set(values[1])):
            equal += min(map(len, values))
            continue
        pairs = list(zip_longest(*pair))
        different = [not (a and b and _comparable(a.value) == _comparable(b.value)) for a, b in pairs]
        equal += different.count(False)
        if found is None:
            a, b = pairs[different.index(True)]
            found = step, a and repr(a.value), b and repr(b.value)
    if found is None:
        return None
    step, a, b = found
    return MetricDifference("metric", name, a, b, (), step, equal, len(first), len(second))


def _comparable(value: float) -> float | None:
    return value if value == value else None


def _has_ties(points: Sequence[Point]) -> bool:
    return len({point.time_ms for point in points}) < len(points)
