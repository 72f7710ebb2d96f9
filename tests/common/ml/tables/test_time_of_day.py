"""Times of day as seconds, whether objects, texts or Arrow's."""

import datetime as dt

import pyarrow as pa
import pytest

from tg.common.ml.tables.arrow_types import read_array
from tg.common.ml.tables.time_of_day import count_seconds, parse_time_of_day


@pytest.mark.parametrize(
    ("text", "time", "seconds"),
    [
        ("00:00", dt.time(0), 0.0),
        ("12:30:05", dt.time(12, 30, 5), 45005.0),
        ("16:19:19.004718", dt.time(16, 19, 19, 4718), 58759.004718),
        ("23:59:59,999999999", dt.time(23, 59, 59, 999_999), 86399.999999),
        ("01:00:00.5", dt.time(1, 0, 0, 500_000), 3600.5),
    ],
)
def test_times_of_day_are_seconds(text: str, time: dt.time, seconds: float) -> None:
    assert parse_time_of_day(text) == time
    assert count_seconds(time) == seconds
    for kind in (pa.time64("us"), pa.time64("ns")):
        assert read_array(pa.chunked_array([pa.array([time, None], kind)]), pa.float64()).to_pylist() == [seconds, None]


@pytest.mark.parametrize(
    "text", ["", "12", "1:30", "24:00:00", "12:60", "12:30:00Z", "2024-05-01T12:30", "12:30:00.", "x"]
)
def test_other_texts_are_no_times_of_day(text: str) -> None:
    assert parse_time_of_day(text) is None
