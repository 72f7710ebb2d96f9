"""The points of a metric, and the first in which two runs differ."""

import gc
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, zip_longest
from typing import NamedTuple

from tg_mlflow.comparison.differences import MetricDifference
from tg_mlflow.tracking.client import TrackingClient


class Point(NamedTuple):
    """One value of a metric."""

    step: int
    time_ms: int
    value: float


def read_histories(client: TrackingClient, run_id: str, keys: Iterable[str]) -> dict[str, list[Point]]:
    """Reads all points of metrics, in the order of their steps and, within a step, of time.

    Raises:
        TrackingError: If the tracking server does not answer.
    """
    with _without_garbage_collection():
        return {key: _read_history(client, run_id, key) for key in keys}


def _read_history(client: TrackingClient, run_id: str, key: str) -> list[Point]:
    points = [Point(each.step, each.timestamp, each.value) for each in client.get_metric_history(run_id, key)]
    return sorted(points, key=lambda point: (point.step, point.time_ms, math.isnan(point.value), point.value))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Lets a hundred thousand points be made in half the time: none is garbage, and each collection looks at all."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def compare_histories(name: str, first: Sequence[Point], second: Sequence[Point]) -> MetricDifference | None:
    """Compares the points of two runs, as :func:`read_histories` has them, by step and order; NaN equals NaN.

    Of the values of one step and one millisecond, MLflow keeps neither the order nor repeats. A step that has such
    values is the same if both runs have the same values in it.

    Returns:
        The first point that differs; ``None`` if none does.
    """
    steps = _group(first), _group(second)
    equal, differing = 0, None
    for step in sorted(steps[0].keys() | steps[1].keys()):
        a, b = steps[0].get(step, []), steps[1].get(step, [])
        if _may_be_same(a, b):
            equal += min(len(a), len(b))
            continue
        pairs = list(zip_longest(map(_write, a), map(_write, b)))
        equal += sum(one == other for one, other in pairs)
        if differing is None:
            differing = step, *next((one, other) for one, other in pairs if one != other)
    if differing is None:
        return None
    step, value, other = differing
    return MetricDifference("metric", name, value, other, (), step, equal, len(first), len(second))


def _group(points: Sequence[Point]) -> dict[int, list[Point]]:
    return {step: list(same) for step, same in groupby(points, lambda point: point.step)}


def _may_be_same(first: Sequence[Point], second: Sequence[Point]) -> bool:
    a, b = [_write(point) for point in first], [_write(point) for point in second]
    return a == b or (set(a) == set(b) and (_has_ties(first) or _has_ties(second)))


def _has_ties(points: Sequence[Point]) -> bool:
    return len({point.time_ms for point in points}) < len(points)


def _write(point: Point) -> str:
    return repr(point.value + 0.0)  # some stores do not keep the sign of a zero
