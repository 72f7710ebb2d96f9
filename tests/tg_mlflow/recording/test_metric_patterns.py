"""Metrics that a training prints in a form of its own."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.sagemaker import MetricPoint
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.recording.metric_patterns import MetricPatterns

LOSS = {"loss": r"loss[=:] ?([0-9.eE+-]+|nan)"}


def find(expressions: dict[str, str], *pieces: bytes) -> list[tuple[str, float, int]]:
    patterns = MetricPatterns(expressions)
    points = [point for piece in pieces for point in patterns.feed(piece, 7)] + patterns.finish(7)
    return [(point.name, point.value, point.step) for point in points]


@pytest.mark.parametrize(
    ("expressions", "text", "points"),
    [
        (LOSS, b"loss=0.5\nloss: 1e-3\n", [("loss", 0.5, 0), ("loss", 0.001, 1)]),
        (LOSS, b"loss=0.25 and loss=0.125", [("loss", 0.25, 0), ("loss", 0.125, 1)]),
        (LOSS, b"\x1b[31mlo\x1b[0mss=2\r", [("loss", 2.0, 0)]),
        (LOSS, "größe ünd loss=3\n".encode(), [("loss", 3.0, 0)]),
        (LOSS, b"\xff\xfe loss=4\n", [("loss", 4.0, 0)]),
        (LOSS, b"loss=... loss=1.2.3 loss=5\n", [("loss", 5.0, 0)]),
        ({"acc": r"epoch (?P<step>\d+)/\d+ acc=(?P<value>\S+)"}, b"epoch 12/50 acc=0.9\n", [("acc", 0.9, 12)]),
        ({"acc": r"(?P<value>\S+)% at (?P<step>-?\d+)"}, b"91% at -3", [("acc", 91.0, -3)]),
        ({"any": r"(?P<name>[a-z_]+)@(\d+)"}, b"f@1 g@2 f@3", [("f", 1.0, 0), ("g", 2.0, 0), ("f", 3.0, 1)]),
        ({"a": "a=(.)", "b": "b=(.)"}, b"b=1 a=2\na=3 b=4", [("b", 1, 0), ("a", 2, 0), ("a", 3, 1), ("b", 4, 1)]),
        ({"x": r"x (\(|\[)?(?P<value>\d+)"}, b"x (7", [("x", 7.0, 0)]),
        ({"x": r"[(](\d+)(?:;|$)([a-z]*)"}, b"(8;abc", [("x", 8.0, 0)]),
        ({"x": r"\((\d+)\)"}, b"(9)", [("x", 9.0, 0)]),
        ({}, b"loss=1\n", []),
    ],
)
def test_what_is_found(expressions: dict[str, str], text: bytes, points: list[tuple[str, float, int]]) -> None:
    assert find(expressions, text) == points


def test_a_point_has_the_time_of_what_completes_its_line() -> None:
    patterns = MetricPatterns(LOSS)
    assert patterns.feed(b"loss=0.", 1) == []
    assert patterns.feed(b"5\nloss", 2) == [MetricPoint("loss", 0.5, 0, 2)]


@given(st.lists(st.integers(0, 40), max_size=5))
def test_any_division_gives_the_same_metrics(cuts: list[int]) -> None:
    text = b"a loss=1\rloss=2 loss=3\nx\nloss=4\nloss=5"
    bounds = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(bounds)]
    assert find(LOSS, *pieces) == [("loss", float(number), number - 1) for number in range(1, 6)]


def test_an_expression_that_would_backtrack_for_ever_takes_linear_time() -> None:
    start = time.process_time()
    assert find({"loss": r"(?:a+)+b(\d)"}, b"a" * 5_000_000) == []
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("loss", "has 'loss' for 'x', which has no group; put the number in parentheses"),
        (r"loss=(?:\d+)", "which has no group"),
        (r"[(]", "which has no group"),
        (r"(?=a)(b)", "which is no regular expression of RE2: Invalid regular expression: invalid perl operator"),
        (r"(\d)\1", "there are no look-arounds and no back references"),
        ("([", "missing ]"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(BackendConfigError) as caught:
        MetricPatterns({"x": expression})
    assert reason in str(caught.value)
