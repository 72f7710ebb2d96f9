"""What a served model is given is read as what it was trained on."""

import datetime
import json
import pickle
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from tg.common.errors import DatasetError
from tg.common.ml.single_frame_training import InputColumns
from tg_mlflow.results.model_json import as_json_records

NONE = None
BERLIN = datetime.datetime(2024, 5, 1, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))
NOON = datetime.datetime(2024, 5, 1, 12, 30)

CITY = pd.CategoricalDtype(["Rome", "Bonn"])
SIZE = pd.CategoricalDtype([1, 2, 5], ordered=True)


def read(trained: Any, given: Any, dtype: Any = None) -> "pd.Series[Any]":
    """What a column that was trained on as ``trained`` makes of ``given``."""
    columns = InputColumns().fit(pd.DataFrame({"x": pd.Series(trained, dtype=dtype)}))
    found = columns.transform(pd.DataFrame({"x": given if isinstance(given, pd.Series) else pd.Series(given)}))
    return found["x"]


@pytest.mark.parametrize(
    ("trained", "given", "expected"),
    [
        pytest.param(pd.Series([1, 2]), [3.0, 4.0], pd.Series([3, 4]), id="whole floats for int64"),
        pytest.param(pd.Series([1, 2]), [3, None], pd.Series([3.0, np.nan]), id="a null in int64"),
        pytest.param(pd.Series([1, 2]), [1.5], pd.Series([1.5]), id="a fraction in int64"),
        pytest.param(pd.Series([1, 2]), ["3", "-4"], pd.Series([3, -4]), id="texts for int64"),
        pytest.param(pd.Series([1, 2]), ["9007199254740993"], pd.Series([2**53 + 1]), id="a large whole number"),
        pytest.param(pd.Series([1, 2]), [Decimal("7.00")], pd.Series([7]), id="decimals for int64"),
        pytest.param(pd.Series([1, 2]), [True, False], pd.Series([1, 0]), id="booleans for int64"),
        pytest.param(pd.Series([1], dtype="int8"), [300], pd.Series([300]), id="more than int8 holds"),
        pytest.param(pd.Series([1], dtype="int8"), [3], pd.Series([3], dtype="int8"), id="int64 for int8"),
        pytest.param(pd.Series([1], dtype="uint64"), [2**63], pd.Series([2**63], dtype="uint64"), id="uint64"),
        pytest.param(pd.Series([1], dtype="Int64"), [3.0, None], pd.Series([3, None], dtype="Int64"), id="Int64"),
        pytest.param(pd.Series([1], dtype="Int64"), [0.5], pd.Series([0.5], dtype="Float64"), id="half an Int64"),
        pytest.param(pd.Series([0.5]), [1, 2], pd.Series([1.0, 2.0]), id="whole numbers for floats"),
        pytest.param(pd.Series([0.5]), [None, None], pd.Series([np.nan, np.nan]), id="nothing but nulls for floats"),
        pytest.param(pd.Series([0.5]), [Decimal("1.1"), None], pd.Series([1.1, np.nan]), id="decimals for floats"),
        pytest.param(pd.Series([0.5]), ["1.1", " 2e3 "], pd.Series([1.1, 2000.0]), id="texts for floats"),
        pytest.param(pd.Series([0.5], dtype="float32"), [0.1], pd.Series([0.1], dtype="float32"), id="float32"),
        pytest.param(pd.Series([0.5]), [datetime.time(1, 0, 30)], pd.Series([3630.0]), id="a time of day in seconds"),
        pytest.param(
            pd.Series([0.5]),
            ["01:00:30", "16:19", "16:19:19.004718"],
            pd.Series([3630, 58740, 58759.004718]),
            id="texts of times of day in seconds",
        ),
        pytest.param(pd.Series([0.5]), [datetime.time(16, 19, 19, 4718)], pd.Series([58759.004718]), id="microseconds"),
        pytest.param(pd.Series([True]), ["true", "False"], pd.Series([True, False]), id="texts for bool"),
        pytest.param(pd.Series([True]), [1, 0], pd.Series([True, False]), id="numbers for bool"),
        pytest.param(pd.Series([True]), [True, None], pd.Series([True, NONE], dtype=object), id="a null in bool"),
        pytest.param(
            pd.Series([True, None]), [False], pd.Series([False], dtype=object), id="bool where nulls were trained on"
        ),
        pytest.param(
            pd.Series([True, None], dtype="boolean"), [1, None], pd.Series([True, None], dtype="boolean"), id="boolean"
        ),
        pytest.param(pd.Series(["a"]), [12345, None], pd.Series(["12345", None]), id="numbers for texts"),
        pytest.param(pd.Series(["a"]), pd.Series(["b"], dtype="category"), pd.Series(["b"]), id="categories for texts"),
        pytest.param(
            pd.Series(["Bonn"], dtype=CITY),
            ["Bonn", "Oslo", None],
            pd.Series(["Bonn", None, None], dtype=CITY),
            id="texts for categories",
        ),
        pytest.param(
            pd.Series(["Bonn"], dtype=CITY),
            pd.Series(["Bonn"], dtype=pd.CategoricalDtype(["Bonn", "Rome"])),
            pd.Series(["Bonn"], dtype=CITY),
            id="categories in another order",
        ),
        pytest.param(
            pd.Series([5], dtype=SIZE), [2, None], pd.Series([2, None], dtype=SIZE), id="floats for categories"
        ),
        pytest.param(
            pd.Series([5], dtype=SIZE), ["2", "two"], pd.Series([2, None], dtype=SIZE), id="texts for numbers"
        ),
    ],
)
def test_values_are_read_as_the_trainings(trained: Any, given: Any, expected: "pd.Series[Any]") -> None:
    found = read(trained, given)
    pd.testing.assert_series_equal(found, expected.rename("x"))
    if isinstance(expected.dtype, pd.CategoricalDtype):
        assert list(found.cat.categories) == list(expected.cat.categories)


UTC = "datetime64[us, UTC]"
ZONED = "datetime64[us, Europe/Berlin]"


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        ("datetime64[us]", "2024-05-01T12:30:00", NOON),
        ("datetime64[us]", "2024-05-01 12:30", NOON),
        ("datetime64[us]", "2024-05-01T12:30:00Z", NOON),
        ("datetime64[us]", "2024-05-01T12:30:00+00:00", NOON),
        ("datetime64[s]", datetime.date(9999, 12, 31), datetime.datetime(9999, 12, 31)),
        ("datetime64[s]", "9999-12-31", datetime.datetime(9999, 12, 31)),
        ("datetime64[us]", "9999-12-31T00:00:00.000000000", datetime.datetime(9999, 12, 31)),
        (UTC, "0001-01-02T00:00:00.500000000Z", datetime.datetime(1, 1, 2, 0, 0, 0, 500_000, datetime.timezone.utc)),
        ("datetime64[ns]", "2024-05-01T12:30:00.000000", NOON),
        ("datetime64[ns]", np.datetime64("2024-05-01T12:30"), NOON),
        (UTC, "2024-05-01T12:30:00", BERLIN),
        (UTC, "2024-05-01T14:30:00+02:00", BERLIN),
        (UTC, "2024-05-01T14:30:00+0200", BERLIN),
        (ZONED, "2024-05-01T12:30:00Z", BERLIN),
        (ZONED, BERLIN.astimezone(datetime.timezone.utc), BERLIN),
    ],
)
def test_times_are_read_in_the_trainings_zone(dtype: str, given: Any, expected: Any) -> None:
    for values in (pd.Series([given, None]), pd.Series([given, None], dtype=object)):
        found = read([NOON], values, dtype)
        assert found.dtype == dtype
        assert found.tolist() == [expected, pd.NaT]


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        ("timedelta64[s]", "P1DT2H", pd.Timedelta(hours=26)),
        ("timedelta64[ms]", "02:30:00", pd.Timedelta(minutes=150)),
        ("timedelta64[ms]", "1 days 00:00:01", pd.Timedelta(days=1, seconds=1)),
        ("timedelta64[us]", datetime.time(2, 30), pd.Timedelta(minutes=150)),
    ],
)
def test_durations_are_read_from_what_says_their_unit(dtype: str, given: Any, expected: pd.Timedelta) -> None:
    found = read([pd.Timedelta(0)], pd.Series([given], dtype=object), dtype)
    assert found.dtype == dtype
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("dtype", "given", "message"),
    [
        ("int64", ["a"], "column 'x' holds int64, as which 'a' cannot be read: give a number"),
        ("int64", [2.0**60], "as which 1.152921504606847e[+]18 cannot be read: a float of this size has lost digits"),
        ("int64", ["9007199254740993", None], "beside missing values or fractions it would lose digits"),
        ("float64", [True, "x"], "as which 'x' cannot be read"),
        ("float64", ["25:00:00"], "as which '25:00:00' cannot be read: give a number"),
        ("int64", ["12:30:00"], "as which '12:30:00' cannot be read: give a number"),
        ("float64", ["1_000"], "as which '1_000' cannot be read"),
        ("bool", [2], "as which 2 cannot be read: give true or false"),
        ("bool", ["yes"], "as which 'yes' cannot be read"),
        ("datetime64[us]", [1714566600000], "as which 1714566600000 cannot be read: .*numbers do not say a unit"),
        ("datetime64[us]", ["05/01/2024"], "as which '05/01/2024' cannot be read: give a time as ISO 8601"),
        ("datetime64[us]", ["2024-05-01T12:30:00+02:00"], "the model's times have no zone"),
        ("datetime64[us]", ["2024-02-30"], "as which '2024-02-30' cannot be read"),
        ("datetime64[ns]", ["9999-12-31"], "as which .*9999-12-31.* cannot be read"),
        (ZONED, ["2024-05-01T12:30:00"], "in the zone Europe/Berlin; give them with a zone"),
        ("timedelta64[s]", ["90"], "as which '90' cannot be read: give a duration"),
        ("timedelta64[s]", [90], "as which 90 cannot be read: .*numbers do not say a unit"),
    ],
)
def test_what_cannot_be_read_is_named(dtype: str, given: Any, message: str) -> None:
    trained = pd.Series([1 if dtype in ("int64", "bool", "float64") else None], dtype=dtype)
    with pytest.raises(DatasetError, match=message) as caught:
        read(trained, given)
    assert "\n" not in str(caught.value)


def test_the_trainings_own_table_is_left_as_it_is() -> None:
    frame = pd.DataFrame({"b": [True, None], "c": pd.Categorical(["u", "v"]), "x": [0.1, np.nan], "s": ["a", None]})
    columns = InputColumns().fit(frame)
    assert columns.transform(frame) is frame
    part = frame.iloc[1:]
    assert columns.transform(part) is part
    assert InputColumns().fit_transform(frame) is frame


def test_columns_are_found_by_name() -> None:
    trained = pd.DataFrame({"a": [1.5, None], "b": [1, 2], 7: [1, 2]})
    columns = InputColumns().fit(trained)
    given = pd.DataFrame({"more": ["x"], "7": [5], "b": [4]}, index=["row"])
    expected = pd.DataFrame({"a": [np.nan], "b": [4], 7: [5]}, index=["row"])
    pd.testing.assert_frame_equal(columns.transform(given), expected)
    assert list(columns.get_feature_names_out()) == ["a", "b", 7]


def test_a_column_without_missing_values_has_to_be_there() -> None:
    columns = InputColumns().fit(pd.DataFrame({"a": [1.5], "b": [1], "c": [None]}))
    message = r"^the model needs the columns 'a', 'b', which are not in the table; it has 'x'$"
    with pytest.raises(DatasetError, match=message):
        columns.transform(pd.DataFrame({"x": [1]}))


def test_a_column_that_stands_twice_is_refused() -> None:
    columns = InputColumns().fit(pd.DataFrame({"a": [1.5]}))
    with pytest.raises(DatasetError, match="column 'a' stands in the table more than once"):
        columns.transform(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_arrays_pass() -> None:
    array = np.ones((2, 1))
    assert InputColumns().fit(array).transform(array) is array
    assert InputColumns().fit(pd.DataFrame({"a": [1.5]})).transform(array) is array


def test_it_is_an_estimator_like_others() -> None:
    columns = InputColumns().fit(pd.DataFrame({"a": [1.5]}))
    assert list(columns.feature_names_in_) == ["a"]
    assert not hasattr(clone(columns), "columns_")
    loaded = pickle.loads(pickle.dumps(columns))
    assert loaded.transform(pd.DataFrame({"a": ["2"]}))["a"].tolist() == [2.0]


WHOLE = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
COLUMNS: dict[str, "st.SearchStrategy[Any]"] = {
    "int64": WHOLE,
    "int8": st.integers(-128, 127),
    "uint32": st.integers(0, 2**32 - 1),
    "Int64": st.none() | WHOLE,
    "int64[pyarrow]": st.none() | WHOLE,
    "float64": st.none() | st.floats(allow_nan=False),
    "float32": st.none() | st.floats(width=32, allow_nan=False),
    "Float64": st.none() | st.floats(allow_nan=False),
    "double[pyarrow]": st.none() | st.floats(allow_nan=False),
    "bool": st.booleans(),
    "object": st.none() | st.booleans(),
    "boolean": st.none() | st.booleans(),
    "bool[pyarrow]": st.none() | st.booleans(),
    "str": st.none() | TEXTS,
    "string": st.none() | TEXTS,
    "category": st.none() | TEXTS,
    "datetime64[us]": st.none() | TIMES,
    "datetime64[ns]": st.none() | TIMES,
    "datetime64[us, UTC]": st.none() | TIMES,
    "datetime64[ns, Asia/Kolkata]": st.none() | TIMES,
    "timestamp[us][pyarrow]": st.none() | TIMES,
    "timedelta64[us]": st.none() | st.timedeltas(datetime.timedelta(-(10**5)), datetime.timedelta(10**5)),
}


@pytest.mark.parametrize("dtype", COLUMNS)
@given(data=st.data())
@settings(max_examples=25)
def test_json_is_read_as_the_training_was(dtype: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(COLUMNS[dtype], min_size=1, max_size=6))
    trained = pd.DataFrame({"x": pd.Series(values, dtype=dtype)})
    given = trained.iloc[: data.draw(st.integers(1, len(values)))]
    columns = InputColumns().fit(trained)
    received = pd.DataFrame(json.loads(json.dumps(as_json_records(given))))
    found = columns.transform(received)
    if dtype == "object":  # what is missing may be None or NaN
        assert [None if pd.isna(value) else value for value in found["x"]] == values[: len(given)]
    else:
        pd.testing.assert_frame_equal(found, given, check_exact=True)
