"""Which points of a metric two runs share."""

import gc
import math
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from tests.tg_mlflow.comparison.records import make_points
from tg_mlflow.comparison.differences import MetricDifference
from tg_mlflow.comparison.metric_history import Point, compare_histories, read_histories
from tg_mlflow.tracking.client import TrackingClient


def difference(*args: Any) -> MetricDifference:
    return MetricDifference("metric", "loss", *args)


def test_points_are_the_same_at_other_times() -> None:
    later = [Point(point.step, point.time_ms * 2, point.value) for point in make_points(0.5, math.nan, -math.inf)]
    assert compare_histories("loss", make_points(0.5, math.nan, -math.inf), later) is None


def test_the_first_point_that_differs_is_named_with_both_values() -> None:
    found = compare_histories("loss", make_points(0.1, 0.2, 0.3, 0.4), make_points(0.1, 0.2, 0.30000000000000004, 0.5))
    assert found == difference("0.3", "0.30000000000000004", (), 2, 2, 4, 4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (make_points(1.0, 2.0), make_points(1.0), difference("2.0", None, (), 1, 1, 2, 1)),
        ([], make_points(1.0), difference(None, "1.0", (), 0, 0, 0, 1)),
        (make_points(math.nan), make_points(1.0), difference("nan", "1.0", (), 0, 0, 1, 1)),
        ([Point(-5, 1, 2.0)], [Point(7, 1, 2.0)], difference("2.0", None, (), -5, 0, 1, 1)),
        # Of one step, each value counts, in the order of time.
        (
            [Point(0, 1, 2.0), Point(0, 2, 3.0)],
            [Point(0, 1, 3.0), Point(0, 2, 2.0)],
            difference("2.0", "3.0", (), 0, 0, 2, 2),
        ),
        ([Point(0, 1, 2.0), Point(0, 2, 2.0)], [Point(0, 1, 2.0)], difference("2.0", None, (), 0, 1, 2, 1)),
    ],
)
def test_what_differs(first: list[Point], second: list[Point], expected: MetricDifference) -> None:
    assert compare_histories("loss", first, second) == expected


def test_of_one_millisecond_neither_the_order_nor_repeats_are_known() -> None:
    at_once = [Point(0, 1, 2.0), Point(0, 1, 3.0), Point(1, 2, 4.0)]
    apart = [Point(0, 1, 3.0), Point(0, 2, 2.0), Point(0, 3, 2.0), Point(1, 4, 4.0)]
    assert compare_histories("loss", at_once, apart) is None
    apart[1] = Point(0, 2, 2.5)
    assert compare_histories("loss", at_once, apart) == difference("2.0", "3.0", (), 0, 1, 3, 4)


def test_the_sign_of_zero_is_no_difference_as_some_stores_lose_it() -> None:
    assert compare_histories("loss", make_points(0.0), make_points(-0.0)) is None


def test_histories_are_read_by_step_and_time(store: MlflowClient) -> None:
    client = TrackingClient(store.tracking_uri)
    run_id = store.create_run("0").info.run_id
    points = [(0.1, 30, 1), (0.4, 10, 2), (0.2, 20, 1), (math.nan, 5, 3)]
    store.log_batch(run_id, metrics=[Metric("loss", value, time_ms, step) for value, time_ms, step in points])
    histories = read_histories(client, run_id, ["loss"])
    assert str(histories["loss"][:3]) == str([Point(1, 20, 0.2), Point(1, 30, 0.1), Point(2, 10, 0.4)])
    assert (histories["loss"][3].step, math.isnan(histories["loss"][3].value)) == (3, True)
    assert gc.isenabled()
