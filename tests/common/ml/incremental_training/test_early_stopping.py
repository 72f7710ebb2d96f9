"""When a metric is better."""

import math

import pytest

from tg.common.ml.incremental_training import EarlyStopping


@pytest.mark.parametrize(
    ("mode", "min_delta", "value", "best", "is_better"),
    [
        ("max", 0.0, 0.5, None, True),
        ("max", 0.0, 0.5, 0.5, False),
        ("max", 0.0, 0.6, 0.5, True),
        ("max", 0.2, 0.6, 0.5, False),
        ("min", 0.0, 0.4, 0.5, True),
        ("min", 0.0, 0.5, 0.5, False),
        ("min", 0.2, 0.4, 0.5, False),
        ("max", 0.0, math.nan, None, False),
        ("min", 0.0, math.nan, 0.5, False),
    ],
)
def test_a_value_is_better_by_more_than_min_delta(
    mode: str, min_delta: float, value: float, best: float | None, is_better: bool
) -> None:
    assert EarlyStopping("loss_test", mode, min_delta=min_delta).is_better(value, best) is is_better
