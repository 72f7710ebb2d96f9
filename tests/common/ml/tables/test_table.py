"""Folders of files as one table."""

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from tg.common import DatasetError
from tg.common.ml.tables.table import open_table

DAY = dt.date(2024, 2, 29)


def write(folder: Path, **columns: list[pa.Array | None]) -> Path:
    """Writes a file for each position, with the columns that have an array there."""
    for number in range(max(map(len, columns.values()))):
        given = {name: arrays[number] for name, arrays in columns.items() if arrays[number] is not None}
        parquet.write_table(pa.table(given), folder / f"{number}.parquet")
    return folder


def values_of(column: pd.Series) -> list:
    return [None if pd.isna(value) else value for value in column.tolist()]


@pytest.mark.parametrize(
    ("arrays", "dtype", "values"),
    [
        ([pa.array([1]), None, pa.array([2])], "float64", [1, None, 2]),
        ([pa.array([1]), pa.array([1.5])], "float64", [1, 1.5]),
        ([pa.array([1], pa.int32()), pa.array([2**40])], "int64", [1, 2**40]),
        ([pa.array([1], pa.uint8()), pa.array([-1], pa.int8())], "int64", [1, -1]),
        ([pa.array([2**64 - 1], pa.uint64()), pa.array([-1])], "float64", [2.0**64, -1]),
        ([pa.nulls(1), pa.array([1])], "float64", [None, 1]),
        ([pa.nulls(1), pa.array([True])], "boolean", [None, True]),
        ([pa.nulls(1, pa.bool_()), pa.nulls(1)], "boolean", [None, None]),
        ([pa.array(["a"]), pa.nulls(1), pa.array(["b"], pa.large_string())], None, ["a", None, "b"]),
        ([pa.array(["a"]).dictionary_encode(), pa.array(["b"])], None, ["a", "b"]),
        ([pa.array(["a"]).dictionary_encode(), pa.array(["b"]).dictionary_encode()], "category", ["a", "b"]),
        ([pa.array([Decimal("0.1")]), pa.array([Decimal("0.123")])], "float64", [0.1, 0.123]),
        ([pa.array([Decimal("0.1")]), pa.array([7])], "float64", [0.1, 7]),
        (
            [pa.array([DAY]), pa.array([dt.datetime(2024, 1, 1, 6)])],
            "datetime64[us]",
            ["2024-02-29", "2024-01-01 06:00"],
        ),
        ([pa.array([0], pa.timestamp("s")), pa.array([1], pa.timestamp("ms"))], "datetime64[ms]", [0, 1_000_000]),
        ([pa.array([60], pa.time32("s")), pa.array([1], pa.time64("us"))], "float64", [60, 1e-6]),
        ([pa.array([1], pa.duration("s")), pa.array([1], pa.duration("ms"))], "timedelta64[ms]", [10**9, 10**6]),
        ([pa.array([1.5], pa.float32()), pa.array([0.1])], "float64", [1.5, 0.1]),
    ],
)
def test_types_of_several_files_are_united(tmp_path, arrays, dtype, values):
    folder = write(tmp_path, x=arrays, y=[pa.array([0])] * len(arrays))
    frame = open_table(folder).read()
    assert list(frame.columns) == ["x", "y"]
    if dtype is not None:
        assert str(frame["x"].dtype) == dtype
    if dtype and dtype.startswith("datetime"):
        values = [pd.Timestamp(value) for value in values]
    elif dtype and dtype.startswith("timedelta"):
        values = [pd.Timedelta(value) for value in values]
    assert values_of(frame["x"]) == values


def test_times_of_several_zones_are_in_utc(tmp_path):
    arrays = [pa.array([0], pa.timestamp("us", zone)) for zone in ("Europe/Berlin", "UTC")]
    assert str(open_table(write(tmp_path, x=arrays)).read()["x"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("arrays", "types"),
    [
        ([pa.array([1]), pa.array(["a"])], "int64 in '0.parquet' and string in '1.parquet'"),
        ([pa.array([True]), pa.array([1])], "bool in '0.parquet' and int64 in '1.parquet'"),
        ([pa.array([1]), pa.array([1.5]), pa.array([DAY])], "int64 in '0.parquet' and date32[day] in '2.parquet'"),
        ([pa.nulls(1), pa.array([DAY]), pa.array(["a"])], "date32[day] in '1.parquet' and string in '2.parquet'"),
        (
            [pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "UTC"))],
            "timestamp[us] in '0.parquet' and timestamp[us, tz=UTC] in '1.parquet'",
        ),
        ([pa.array([0], pa.time32("s")), pa.array([0])], "time32[ms] in '0.parquet' and int64 in '1.parquet'"),
        ([pa.array(["a"]), pa.array([b"a"])], "string in '0.parquet' and binary in '1.parquet'"),
        ([pa.array([[1]]), pa.array([1])], "list<element: int64> in '0.parquet' and int64 in '1.parquet'"),
    ],
)
def test_what_does_not_fit_names_column_types_and_files(tmp_path, arrays, types):
    folder = write(tmp_path, x=arrays, y=[pa.array([0])] * len(arrays))
    with pytest.raises(DatasetError) as caught:
        open_table(folder)
    assert str(caught.value) == (
        f"the dataset '{folder}' cannot be read as parquet files of one table: column 'x' is {types}; "
        "write it in one type"
    )


def test_a_value_that_does_not_fit_names_its_file(tmp_path):
    late = pa.array([dt.datetime(9999, 1, 1)], pa.timestamp("us"))
    folder = write(tmp_path, x=[pa.array([0], pa.timestamp("ns")), late])
    with pytest.raises(DatasetError, match=r"^column 'x' \(timestamp\[us\]\) in '1.parquet' of .* as timestamp\[ns\]"):
        open_table(folder).read()


def test_columns_may_come_in_any_order_and_only_in_some_files(tmp_path):
    parquet.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "0.parquet")
    parquet.write_table(pa.table({"c": [1.5], "b": ["y"], "a": [2]}), tmp_path / "1.parquet")
    frame = open_table(tmp_path).read()
    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].tolist() == ["x", "y"]
    assert values_of(frame["c"]) == [None, 1.5]


def test_a_file_without_rows_binds_nobody(tmp_path):
    empty = pa.table({"x": pa.array([], pa.string()), "y": pa.array([], pa.int64())})
    for name in ("0", "2"):
        parquet.write_table(empty, tmp_path / f"{name}.parquet")
    parquet.write_table(pa.table({"x": [1, 2]}), tmp_path / "1.parquet")
    frame = open_table(tmp_path).read()
    assert frame["x"].tolist() == [1, 2]
    assert frame["y"].isna().all()


def test_columns_that_differ_in_case_are_told_apart_and_said(tmp_path, capsys):
    write(tmp_path, Score=[pa.array([1]), None], score=[None, pa.array([2])])
    frame = open_table(tmp_path).read()
    assert [values_of(frame[name]) for name in ("Score", "score")] == [[1, None], [None, 2]]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f"the columns 'Score', 'score' in the files of '{tmp_path}' are taken for different ones")


def test_what_is_not_data_is_not_looked_at(tmp_path):
    (tmp_path / "nested/deep").mkdir(parents=True)
    (tmp_path / "_temporary").mkdir()
    (tmp_path / ".hidden").mkdir()
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "nested/deep/a.parquet")
    parquet.write_table(pa.table({"x": [2]}), tmp_path / "b")
    for name in ("_SUCCESS", "_metadata", ".b.crc", "b.crc", "_temporary/c.parquet", ".hidden/d.parquet"):
        (tmp_path / name).write_bytes(b"no parquet")
    assert sorted(open_table(tmp_path).read()["x"]) == [1, 2]


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing PAR1"])
def test_a_damaged_file_is_named(tmp_path, content):
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"^the dataset '{tmp_path}' cannot be read as parquet \(b.parquet: .*\); "):
        open_table(tmp_path)


def test_partitions_are_categories_as_in_pandas(tmp_path):
    frame = pd.DataFrame({"x": range(6), "year": [2001, 2002] * 3, "kind": ["a b", "c", "ä=/"] * 2})
    frame.to_parquet(tmp_path / "parts", partition_cols=["year", "kind"])
    read = open_table(tmp_path / "parts").read()
    assert_frame_equal(read, pd.read_parquet(tmp_path / "parts"), check_categorical=False)
    assert read["kind"].tolist() == frame["kind"].loc[read["x"]].tolist()


def test_a_partition_may_be_missing(tmp_path):
    frame = pd.DataFrame({"x": [0, 1, 2], "kind": ["a", None, "b"]})
    frame.to_parquet(tmp_path / "parts", partition_cols=["kind"])
    assert values_of(open_table(tmp_path / "parts").read().sort_values("x")["kind"]) == ["a", None, "b"]


@pytest.mark.parametrize(("names", "values"), [(["01", "2"], [1, 2]), (["1", "x"], ["1", "x"]), (["-1", "7"], [-1, 7])])
def test_partitions_are_whole_numbers_if_all_are(tmp_path, names, values):
    for name in names:
        (tmp_path / f"part={name}").mkdir()
        parquet.write_table(pa.table({"x": [1]}), tmp_path / f"part={name}/0.parquet")
    assert open_table(tmp_path).read()["part"].tolist() == values


def test_a_column_of_the_files_goes_before_the_name_of_their_folder(tmp_path):
    (tmp_path / "day=1").mkdir()
    parquet.write_table(pa.table({"day": ["first"]}), tmp_path / "day=1/0.parquet")
    assert open_table(tmp_path).read()["day"].tolist() == ["first"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1.5, None], "s": ["a", None]}, index=pd.Index(["r", "s"], name="row")),
        pd.DataFrame({"x": [1, 2]}, index=pd.to_datetime(["2024-01-01", "2024-01-02"])),
        pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["i", "j"])),
        pd.DataFrame({"x": [1, 2]}, index=pd.RangeIndex(5, 9, 2)),
        pd.DataFrame({"x": pd.Categorical(["b", "a"], ["b", "a"], ordered=True)}),
        pd.DataFrame({1: [1, 2], 2: [3, 4]}),
        pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Berlin")}),
    ],
)
def test_a_plain_file_is_read_as_pandas_does(tmp_path, frame):
    frame.to_parquet(tmp_path / "x.parquet")
    assert_frame_equal(open_table(tmp_path / "x.parquet").read(), pd.read_parquet(tmp_path / "x.parquet"))


def test_the_index_of_all_files_is_that_of_the_whole(tmp_path):
    pd.DataFrame({"x": [1]}, index=["a"]).to_parquet(tmp_path / "0.parquet")
    pd.DataFrame({"x": [2]}, index=["b"]).to_parquet(tmp_path / "1.parquet")
    assert open_table(tmp_path).read().index.tolist() == ["a", "b"]
    pd.DataFrame({"x": [3]}).to_parquet(tmp_path / "2.parquet")
    frame = open_table(tmp_path).read()
    assert frame.to_dict("list") == {"x": [1, 2, 3]}
    assert frame.index.tolist() == [0, 1, 2]


def test_nullable_types_of_some_files_do_not_bind_the_others(tmp_path):
    pd.DataFrame({"x": pd.array([1, None], dtype="Int64")}).to_parquet(tmp_path / "0.parquet")
    pd.DataFrame({"x": [1.5]}).to_parquet(tmp_path / "1.parquet")
    frame = open_table(tmp_path).read()
    assert frame["x"].dtype == "float64"
    assert values_of(frame["x"]) == [1, None, 1.5]


def test_nested_columns_keep_their_type_unless_they_are_to_be_as_they_are(tmp_path):
    parquet.write_table(pa.table({"tags": [["a"]], "x": [1]}), tmp_path / "x.parquet")
    table = open_table(tmp_path / "x.parquet")
    assert isinstance(table.read()["tags"].dtype, pd.ArrowDtype)
    assert list(table.read(as_is=["tags"])["tags"][0]) == ["a"]


@pytest.mark.parametrize(("values", "said"), [([2**53 + 1, None], True), ([2**53, None], False), ([2**60, 1], False)])
def test_whole_numbers_that_floats_do_not_hold_are_said(tmp_path, capsys, values, said):
    parquet.write_table(pa.table({"id": values}), tmp_path / "x.parquet")
    open_table(tmp_path / "x.parquet").read()
    assert ("the columns 'id' have whole numbers beyond 2**53 and miss values" in capsys.readouterr().out) == said


def test_the_first_rows_may_be_as_pandas_reads_them(tmp_path):
    table = pa.table(
        {
            "money": pa.array([Decimal("0.10"), None]),
            "day": pa.array([DAY, None]),
            "n": pa.array([1, None]),
            "flag": pa.array([True, False]),
            "tags": pa.array([["a"], None]),
        }
    )
    parquet.write_table(table, tmp_path / "x.parquet")
    opened = open_table(tmp_path / "x.parquet")
    first = opened.read_first(1, as_is=opened.schema.names)
    assert first.iloc[0].tolist()[:4] == [Decimal("0.10"), DAY, 1.0, True]
    assert first.dtypes.astype(str).to_dict() == pd.read_parquet(tmp_path / "x.parquet").dtypes.astype(str).to_dict()
    assert opened.read_first(1).dtypes.astype(str).to_dict() == {
        "money": "float64",
        "day": "datetime64[us]",
        "n": "float64",
        "flag": "bool",
        "tags": "list<element: string>[pyarrow]",
    }


def test_types_that_differ_are_united_even_in_columns_to_be_as_they_are(tmp_path):
    days = [pa.array([DAY]), None]
    opened = open_table(write(tmp_path, x=[pa.array([1]), pa.array([Decimal("0.5")])], day=days))
    frame = opened.read(as_is=["x", "day"])
    assert frame["x"].tolist() == [1.0, 0.5]
    assert frame["day"].tolist() == [DAY, None]


def test_many_small_files(tmp_path):
    for number in range(500):
        parquet.write_table(
            pa.table({"x": [number], "n": pa.nulls(1) if number else pa.array([1])}), tmp_path / str(number)
        )
    table = open_table(tmp_path)
    assert table.count_rows() == 500
    assert sorted(table.read()["x"]) == list(range(500))


# --- CSV


def test_the_columns_of_a_csv_file(tmp_path):
    (tmp_path / "x.csv").write_text(
        "\ufeffwhole,real,flag,day,time,zoned,clock,text,late,none\n"
        '1,1.5,true,2024-02-29,2024-02-29 12:30,2024-02-29T12:00:00Z,12:30:01,"a,b",2024-02-29,\n'
        "2,,False,2024-03-01,2024-03-01T00:00:00.5,2024-02-29T14:00:00+02:00,00:00:00,,29.2.2024,NA\n"
    )
    frame = open_table(tmp_path / "x.csv").read()
    assert list(frame.columns) == ["whole", "real", "flag", "day", "time", "zoned", "clock", "text", "late", "none"]
    assert frame["whole"].tolist() == [1, 2]
    assert values_of(frame["real"]) == [1.5, None]
    assert frame["flag"].tolist() == [True, False]
    assert frame["day"].tolist() == [pd.Timestamp("2024-02-29"), pd.Timestamp("2024-03-01")]
    assert frame["time"].tolist() == [pd.Timestamp("2024-02-29 12:30"), pd.Timestamp("2024-03-01 00:00:00.5")]
    assert frame["zoned"].tolist() == [pd.Timestamp("2024-02-29 12:00", tz="UTC")] * 2
    assert frame["clock"].tolist() == [45001.0, 0.0]
    assert values_of(frame["text"]) == ["a,b", None]
    assert frame["late"].tolist() == ["2024-02-29", "29.2.2024"]
    assert frame["none"].isna().all()


@pytest.mark.parametrize("name", ["x.csv.gz", "x.tsv", "x.CSV", "x.tsv.gz"])
def test_csv_files_are_known_by_their_names(tmp_path, name):
    content = b"a\tb\n1\tx\n" if "tsv" in name else b"a,b\n1,x\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert open_table(tmp_path / name).read().to_dict("list") == {"a": [1], "b": ["x"]}


def test_a_folder_of_csv_files_has_one_type_a_column(tmp_path):
    (tmp_path / "0.csv").write_text("zip,n,score,day\n01,1,,2024-01-01\n02,2,,2024-01-02\n")
    (tmp_path / "1.csv").write_text("score,zip,n,day\n1.5,1A,,soon\n")
    frame = open_table(tmp_path).read()
    assert frame["zip"].tolist() == ["01", "02", "1A"]
    assert values_of(frame["n"]) == [1, 2, None]
    assert values_of(frame["score"]) == [None, None, 1.5]
    assert frame["day"].tolist() == ["2024-01-01", "2024-01-02", "soon"]


def test_a_type_is_found_in_all_of_a_long_file(tmp_path):
    (tmp_path / "x.csv").write_text("x\n" + "1\n" * 1_000_000 + "a\n")
    assert open_table(tmp_path / "x.csv").read()["x"].iloc[[0, -1]].tolist() == ["1", "a"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "Empty CSV file"),
        (b"a,b\n1\n", "Expected 2 columns, got 1"),
        (b"a\n\xff\xfe\n", "column 'a' holds text that is not UTF-8"),
    ],
)
@pytest.mark.parametrize("in_folder", [True, False])
def test_a_csv_file_that_cannot_be_read_is_named(tmp_path, content, cause, in_folder):
    (tmp_path / "x.csv").write_bytes(content)
    path = tmp_path if in_folder else tmp_path / "x.csv"
    with pytest.raises(DatasetError) as caught:
        open_table(path)
    message = str(caught.value)
    assert message.startswith(f"the dataset '{path}' cannot be read as CSV ({'x.csv: ' if in_folder else ''}")
    assert cause in message
    assert "\n" not in message


def test_parquet_and_csv_in_one_folder_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    message = rf"^the dataset '{tmp_path}' has parquet and CSV files, such as 'b.parquet' and 'a.csv'; give each kind a"
    with pytest.raises(DatasetError, match=message):
        open_table(tmp_path)


def test_names_that_occur_twice(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,x\n1,2,3\n")
    with pytest.raises(DatasetError, match=r"^columns 'x' stand more than once in 'a.csv' of the dataset .*; rename"):
        open_table(tmp_path)


@pytest.mark.parametrize("name", ["x\udcff.parquet", "x\udcff.csv", "a=\udcff/x.parquet"])
def test_a_name_that_is_not_utf_8_is_told(tmp_path, name):
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "x")
    (tmp_path / "x").rename(path)
    with pytest.raises(DatasetError) as caught:
        open_table(tmp_path / "data")
    assert str(caught.value) == (
        f"the file {name!r} of the dataset {str(tmp_path / 'data')!r} has a name that is not UTF-8; rename it"
    )
    with pytest.raises(DatasetError) as caught:
        open_table(path)
    assert str(caught.value) == f"the dataset {str(path)!r} has a name that is not UTF-8; rename it"
