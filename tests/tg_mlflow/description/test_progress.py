from typing import Any

import pytest

from tg_mlflow.description.durations import format_duration, format_time
from tg_mlflow.description.progress import Progress, ProgressMeter


def said(done: Any, time: Any = 0, of: Any = 10, unit: Any = "fold") -> dict[str, Any]:
    return {"op": "progress", "done": done, "of": of, "unit": unit, "time": time}


def measure(*records: dict[str, Any]) -> Progress | None:
    meter = ProgressMeter()
    for record in records:
        meter.take(record, 7)
    return meter.progress


@pytest.mark.parametrize(
    ("records", "left"),
    [
        ([said(0), said(2, 6000)], 24.0),
        ([said(2, 6000)], None),  # it may have begun anywhere
        ([said(50, 0, of=100), said(60, 20_000, of=100)], 80.0),  # of a training that goes on from a checkpoint
        ([said(0), said(8, 8000), said(1, 20_000), said(3, 24_000)], 14.0),  # which has begun anew
        ([said(0), said(4, 4000), said(1, 5000, unit="epoch")], None),
        ([said(0, 9000), said(2, 5000)], None),  # the clock was set
        ([said(0), said(10, 5000)], 0.0),
    ],
)
def test_the_time_left_is_that_of_the_steps_so_far(records: list[dict[str, Any]], left: float | None) -> None:
    progress = measure(*records)
    assert progress is not None
    assert progress.left_seconds == left


@pytest.mark.parametrize(
    "record",
    [said(11), said(-1), said(True), said(1.5), said("2"), said(None), said(0, of=0), said(1, of=None), {}],
    ids=str,
)
def test_a_record_that_makes_no_sense_is_left_out(record: dict[str, Any]) -> None:
    assert measure(record) is None
    assert measure(said(1), record) == Progress(1, 10, "fold", 0)


def test_what_a_record_lacks_has_a_default() -> None:
    assert measure({"done": 1, "of": 2}) == Progress(1, 2, "step", 7)
    progress = measure(said(1, "noon", unit="a\n" * 40))
    assert progress is not None
    assert (progress.unit, progress.time_ms) == ("a " * 15, 7)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than 1 s"),
        (-3, "less than 1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "24 h"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_times() -> None:
    assert format_time(1_796_058_481_560) == "2026-11-30 17:08 UTC"
    assert format_time(1_796_058_481_560, with_date=False) == "17:08 UTC"
