"""What columns of all types are read as."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tg.common.ml.tables import ColumnTypeError, read_column, read_frame

UTC = dt.timezone.utc
EAST = dt.timezone(dt.timedelta(hours=2))
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)
BERLIN = ZoneInfo("Europe/Berlin")


def read(values, dtype=object):
    column = read_column(pd.Series(values, dtype=dtype, index=range(7, 7 + len(values)), name="x"))
    assert (column.name, column.index.tolist()) == ("x", list(range(7, 7 + len(values))))
    return str(column.dtype), [None if pd.isna(value) else value for value in column.tolist()]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([Decimal("0.3"), None], "float64", [0.3, None]),
        ([Decimal("NaN"), Decimal("1.10")], "float64", [None, 1.1]),
        ([Decimal(1), 0.5, 2], "float64", [1.0, 0.5, 2.0]),
        ([1, 2], "int64", [1, 2]),
        ([1, None], "float64", [1.0, None]),
        ([2**64 - 1, 0], "uint64", [2**64 - 1, 0]),
        ([2**70, 0], "float64", [2.0**70, 0.0]),
        ([np.float32(0.5), 1, pd.NA], "float64", [0.5, 1.0, None]),
        ([True, False], "bool", [True, False]),
        ([True, None, float("nan")], "boolean", [True, None, None]),
        (["a", None], "object", ["a", None]),
        ([None, pd.NA, float("nan")], "float64", [None, None, None]),
        ([dt.time(0, 1, 0, 500_000), None], "float64", [60.5, None]),
        ([dt.timedelta(minutes=1), None], "timedelta64[us]", [dt.timedelta(minutes=1), None]),
        ([DAY, None], "datetime64[us]", [pd.Timestamp("2024-02-29"), None]),
        (
            [dt.date(9999, 12, 31), dt.date(1, 1, 1)],
            "datetime64[us]",
            [dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1)],
        ),
        ([DAY, NOON], "datetime64[us]", [pd.Timestamp("2024-02-29"), pd.Timestamp("2024-02-29 12:00")]),
        ([NOON, pd.NaT], "datetime64[us]", [pd.Timestamp(NOON), None]),
        ([dt.datetime(9999, 1, 1)], "datetime64[us]", [dt.datetime(9999, 1, 1)]),
    ],
)
def test_objects_are_read_by_their_values(values, dtype, expected):
    assert read(values) == (dtype, expected)


@pytest.mark.parametrize(
    ("values", "zone", "first"),
    [
        ([NOON.replace(tzinfo=UTC), None], "UTC", "2024-02-29 12:00+00:00"),
        ([NOON.replace(tzinfo=EAST)], "UTC+02:00", "2024-02-29 12:00+02:00"),
        (
            [NOON.replace(tzinfo=BERLIN), dt.datetime(2024, 7, 1, tzinfo=BERLIN)],
            "Europe/Berlin",
            "2024-02-29 12:00+01:00",
        ),
        ([NOON.replace(tzinfo=EAST), NOON.replace(tzinfo=UTC)], "UTC", "2024-02-29 10:00+00:00"),
        ([dt.datetime(9999, 1, 1, tzinfo=UTC)], "UTC", "9999-01-01 00:00+00:00"),
    ],
)
def test_times_with_zones_keep_theirs_and_are_in_utc_where_there_are_several(values, zone, first):
    column = read_column(pd.Series(values, dtype=object))
    assert str(column.dt.tz) == zone
    assert column[0] == dt.datetime.fromisoformat(first)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["a", None, 1], "holds a 'int' value beside 'str'"),
        ([True, 1], "holds a 'int' value beside 'bool'"),
        ([{"a": 1}], "holds values of type 'dict'"),
        ([[1], [2]], "holds values of type 'list'"),
        ([{1}, None], "holds values of type 'set'"),
        ([b"a"], "holds values of type 'bytes'"),
        ([1j], "holds values of type 'complex'"),
        ([pd.Period("2024")], "holds values of type 'Period'"),
        ([object()], "holds values of type 'object'"),
        ([NOON, NOON.replace(tzinfo=UTC)], "holds times with a zone beside times without one"),
        ([DAY, NOON.replace(tzinfo=UTC)], "holds times with a zone beside dates"),
        ([dt.time(1, tzinfo=UTC)], "holds times of day with a zone, which depend on the day"),
        ([10**400], r"holds values that cannot be read \(int too large to convert to float\)"),
        ([Decimal("sNaN")], r"holds values that cannot be read \(.*InvalidOperation.*\)"),
    ],
)
def test_other_objects_have_no_reading(values, reason):
    with pytest.raises(ColumnTypeError, match=f"^{reason}$"):
        read(values)


@pytest.mark.parametrize(
    ("values", "dtype", "read_as", "expected"),
    [
        ([1, 2], "Int8", "int8", [1, 2]),
        ([1, None], "Int64", "float64", [1.0, None]),
        ([1, 0], "UInt64", "uint64", [1, 0]),
        ([0.5, None], "Float32", "float32", [0.5, None]),
        ([True, False], "boolean", "bool", [True, False]),
        ([True, None], "boolean", "boolean", [True, None]),
        (["a", None], "string", "string", ["a", None]),
        ([0.5, 1.5], "float16", "float32", [0.5, 1.5]),
        ([1, 2], "int64", "int64", [1, 2]),
        ([Decimal("0.1"), Decimal("0.2")], "category", "category", [0.1, 0.2]),
        ([DAY, None], "category", "category", [pd.Timestamp(DAY), None]),
        (["b", "a"], pd.CategoricalDtype(["b", "a"], ordered=True), "category", ["b", "a"]),
        ([None, None], "category", "category", [None, None]),
    ],
)
def test_pandas_dtypes(values, dtype, read_as, expected):
    assert read(values, dtype) == (read_as, expected)


@pytest.mark.parametrize(
    ("array", "read_as", "expected"),
    [
        (pa.array([Decimal("0.3"), None]), "float64", [0.3, None]),
        (pa.array([Decimal("0.3")]).cast(pa.decimal256(70, 30)), "float64", [0.3]),
        (pa.array([DAY, None]), "datetime64[us]", [pd.Timestamp(DAY), None]),
        (pa.array([dt.date(9999, 12, 31)], pa.date64()), "datetime64[us]", [dt.datetime(9999, 12, 31)]),
        (pa.array([dt.time(12, 0, 1)], pa.time32("ms")), "float64", [43201.0]),
        (pa.array([1_500_000_000, None], pa.time64("ns")), "float64", [1.5, None]),
        (pa.array([1, None], pa.duration("s")), "timedelta64[s]", [pd.Timedelta(seconds=1), None]),
        (pa.array([0], pa.timestamp("ms", "+05:30")), "datetime64[ms, UTC+05:30]", [pd.Timestamp(0, tz="UTC")]),
        (pa.nulls(2), "float64", [None, None]),
        (pa.array([1, None], pa.int8()), "float64", [1.0, None]),
        (pa.array([True, None]), "boolean", [True, None]),
        (pa.array(["a", None]).dictionary_encode(), "category", ["a", None]),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None])), "category", ["a", None]),
        (pa.array([Decimal("0.3"), None]).dictionary_encode(), "category", [0.3, None]),
        (pa.array([np.float16(0.5)], pa.float16()), "float32", [0.5]),
    ],
)
def test_arrow_types(array, read_as, expected):
    column = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array])))
    read_column_ = read_column(column)
    assert str(read_column_.dtype) == read_as
    assert [None if pd.isna(value) else value for value in read_column_.tolist()] == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_arrow_text_is_text_as_pandas_reads_it(kind):
    column = read_column(pd.Series(["a", None], dtype=pd.ArrowDtype(kind)))
    assert column.dtype == pa.table({"x": pa.array(["a", None])}).to_pandas()["x"].dtype
    assert column[0] == "a"


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int64()),
        pa.struct([("a", pa.int64())]),
        pa.map_(pa.string(), pa.int64()),
        pa.binary(),
        pa.binary(3),
        pa.dictionary(pa.int32(), pa.binary()),
    ],
)
def test_other_arrow_types_have_no_reading(kind):
    column = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.nulls(2, kind)])))
    with pytest.raises(ColumnTypeError) as caught:
        read_column(column)
    assert str(caught.value) == f"is of the type {kind}"


@pytest.mark.parametrize("values", [pd.period_range("2024", periods=2, freq="D"), pd.interval_range(0, 2), [1j, 2j]])
def test_other_pandas_types_have_no_reading(values):
    with pytest.raises(ColumnTypeError, match=r"^is of the type "):
        read_column(pd.Series(values))


def test_decimals_are_the_nearest_floats():
    # 3 * 0.1 is none, though Arrow's cast says so.
    values = [Decimal(number).scaleb(-2) for number in range(1, 2000)]
    expected = [float(value) for value in values]
    assert read_column(pd.Series(values, dtype=object)).tolist() == expected
    assert read_column(pd.Series(values, dtype=pd.ArrowDtype(pa.decimal128(12, 2)))).tolist() == expected


def test_categories_that_are_one_float_are_one_value():
    values = [Decimal("0.1"), Decimal("0.1000000000000000000001"), None]
    assert read(pd.Categorical(values), None) == ("float64", [0.1, 0.1, None])


def test_a_plain_frame_is_given_back_as_it_is():
    frame = pd.DataFrame({"a": [1.0], "b": ["x"], "c": pd.Categorical(["y"]), "d": pd.to_datetime(["2024-01-01"])})
    plain = read_frame(frame)
    assert plain.frame is frame
    assert (plain.unread, plain.empty) == ({}, [])


def test_a_frame_keeps_its_index_its_order_and_what_cannot_be_read():
    tags = [["x"], ["y"]]
    frame = pd.DataFrame(
        {"tags": tags, 5: [Decimal(1), None], "none": [None, None], "raw": [DAY, DAY]}, index=["r", "r"]
    )
    before = frame.copy()
    plain = read_frame(frame, as_is=["raw"])
    pd.testing.assert_frame_equal(frame, before)
    assert list(plain.frame.columns) == ["tags", 5, "none", "raw"]
    assert plain.frame.index.tolist() == ["r", "r"]
    assert plain.frame[5].dtype == plain.frame["none"].dtype == np.float64
    assert plain.frame["raw"].tolist() == [DAY, DAY]
    assert plain.frame["tags"].tolist() == tags
    assert plain.unread == {"tags": "holds values of type 'list'"}
    assert plain.empty == ["none"]
