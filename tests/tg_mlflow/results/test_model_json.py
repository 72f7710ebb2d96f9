import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tg_mlflow.results.model_json import as_json_columns, as_json_records


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (float("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (Decimal("2.50"), 2.5),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (dt.time(12, 30, 0, 5), "12:30:00.000005"),
        (pd.Timestamp("2024-05-01 12:00", tz="Europe/Berlin"), "2024-05-01T10:00:00+00:00"),
        (pd.Timestamp("2024-05-01 12:00"), "2024-05-01T12:00:00"),
        (dt.timedelta(days=1, seconds=5), "P1DT0H0M5S"),
        ("1", "1"),
    ],
)
def test_how_a_value_is_written(value: Any, written: Any) -> None:
    (found,) = as_json_columns(pd.DataFrame({"x": pd.Series([value], dtype=object)}))["x"]
    assert (found, type(found)) == (written, type(written))


def test_whole_numbers_that_a_float_does_not_hold_are_texts_beside_missing_values() -> None:
    large = 2**53 + 1
    whole = pd.Series([large, 2], dtype="Int64")
    gaps = pd.Series([large, 2, 2**53, None], dtype="Int64")
    assert as_json_columns(pd.DataFrame({"x": whole})) == {"x": [9007199254740993, 2]}
    assert as_json_columns(pd.DataFrame({"x": gaps})) == {"x": ["9007199254740993", 2, 9007199254740992, None]}


def test_records_have_texts_for_keys() -> None:
    frame = pd.DataFrame({0: [1, 2], "b": ["x", None]})
    assert as_json_records(frame) == [{"0": 1, "b": "x"}, {"0": 2, "b": None}]


def test_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^column 'raw' holds a bytes, which JSON does not hold$"):
        as_json_columns(pd.DataFrame({"raw": [b"a"]}))
