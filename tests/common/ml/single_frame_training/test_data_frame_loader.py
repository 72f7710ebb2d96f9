from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import DataFrameLoader


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"age": [20.0, 30.0, None], "sex": ["m", "f", "f"], "y": [0, 1, 1], "month": [1, 2, 3]}, index=["r", "s", "s"]
    )


def labels_of(values, dtype=None):
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    return DataFrameLoader("y").load(pd.DataFrame({"y": column, "a": 1.0})).labels


# --- where data come from


def test_a_frame_is_taken_as_it_is(frame):
    before = frame.copy()
    table = DataFrameLoader("y", missing_features="null", features=["age", "new"], sample=2).load(frame)
    assert_frame_equal(frame, before)
    assert table.label_column == "y"
    table = DataFrameLoader("y").load(frame)
    assert table.frame is frame
    assert table.features == ["age", "sex", "month"]


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_parquet_file_is_read_with_its_index(tmp_path, frame, kind):
    frame.to_parquet(tmp_path / "data.parquet")
    table = DataFrameLoader("y").load(kind(tmp_path / "data.parquet"))
    assert_frame_equal(table.frame, frame)
    assert table.labels.tolist() == [0, 1, 1]


def test_a_folder_of_parquet_files_is_one_table_in_order_of_names(tmp_path, frame):
    frame[2:].to_parquet(tmp_path / "part-1.parquet")
    frame[:2].to_parquet(tmp_path / "part-0.parquet")
    assert_frame_equal(DataFrameLoader("y").load(tmp_path).frame, frame)


def test_no_data_for_a_task_that_needs_them():
    message = "^this task needs a dataset and none is given; set `dataset` to a parquet or CSV file, or a folder$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(None)


@pytest.mark.parametrize(("data", "kind"), [(5, "int"), (pd.Series([1, 2]), "Series"), ({"y": [1]}, "dict")])
def test_data_of_another_kind(data, kind):
    message = rf"^cannot read data from a {kind}; give a data frame or the path of a parquet or CSV file$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(data)


def test_a_missing_file_is_named(tmp_path):
    message = r"^the dataset '.*/none.parquet' does not exist; check the path, or prepare the data first$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(tmp_path / "none.parquet")


@pytest.mark.parametrize("content", [b"", b"y,a\n1,2\n", b"PAR1 something else PAR1", b"\x00" * 1000])
@pytest.mark.parametrize("in_folder", [False, True])
def test_what_is_not_parquet_is_named_in_one_line(tmp_path, content, in_folder):
    (tmp_path / "data.parquet").write_bytes(content)
    path = tmp_path if in_folder else tmp_path / "data.parquet"
    with pytest.raises(DatasetError) as caught:
        DataFrameLoader("y").load(path)
    message = str(caught.value)
    assert message.startswith(f"the dataset '{path}' cannot be read as parquet (")
    assert message.endswith("; write it with DataFrame.to_parquet")
    assert "\n" not in message


def test_a_corrupt_file_is_named(tmp_path, frame):
    path = tmp_path / "data.parquet"
    frame.to_parquet(path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36  # the first page, behind the magic bytes; the footer is whole
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"^the dataset '.*/data.parquet' cannot be read as parquet \(.*to_parquet$"):
        DataFrameLoader("y").load(path)


def test_files_that_do_not_fit_together(tmp_path):
    pd.DataFrame({"y": [1], "a": [1]}).to_parquet(tmp_path / "0.parquet")
    pd.DataFrame({"y": ["text"], "a": [1]}).to_parquet(tmp_path / "1.parquet")
    with pytest.raises(DatasetError, match="cannot be read as parquet"):
        DataFrameLoader("y").load(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    message = rf"^the dataset '{tmp_path}' has 0 rows and 0 columns; give one that holds data$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(tmp_path)


@pytest.mark.parametrize(
    ("empty", "counts"),
    [
        (pd.DataFrame(), "0 rows and 0 columns"),
        (pd.DataFrame({"y": []}), "0 rows and 1 columns"),
        (pd.DataFrame(index=[1, 2]), "2 rows and 0 columns"),
    ],
)
def test_an_empty_frame(empty, counts):
    with pytest.raises(DatasetError, match=rf"^the dataset has {counts}; give one that holds data$"):
        DataFrameLoader("y").load(empty)


def test_columns_of_one_name():
    frame = pd.DataFrame([[1, 2, 3, 4, 5]], columns=["y", "b", "a", "b", "a"])
    message = r"^columns 'a', 'b' stand in the data more than once; rename or drop them$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(frame)


# --- types


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pd.Series([[1], [2]]), "holds values of type 'list'"),
        (pd.Series(["a", 1]), "holds a 'int' value beside 'str'"),
        (pd.Series([b"a", b"b"]), "holds values of type 'bytes'"),
        (pd.Series([1j, 2j]), "is of the type complex128"),
        (pd.Series(pd.period_range("2024", periods=2, freq="D")), r"is of the type period\[D\]"),
        (pd.Series([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "is of the type list<item: int64>"),
        (pd.Series([{"a": 1}, None], dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))), "is of .* struct<a: int64>"),
    ],
)
def test_what_no_model_learns_from_is_refused_where_it_is_used(column, reason):
    frame = pd.DataFrame({"odd": column, "a": [1.0, 2.0], "y": [0, 1]})
    message = (
        rf"^feature 'odd' {reason}, which no model learns from: cast it to numbers, text or times, exclude it, or name "
        r"it in as_is and in your transformer's on_columns$"
    )
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(frame)
    assert DataFrameLoader("y", exclude=["odd"]).load(frame).features == ["a"]
    assert DataFrameLoader("y", ["a"]).load(frame).features == ["a"]
    with pytest.raises(DatasetError, match=rf"^label column 'odd' {reason}, which no model predicts; cast it to numb"):
        DataFrameLoader("odd").load(frame)
    as_is = DataFrameLoader("y", as_is=["odd"]).load(frame)
    assert as_is.features == ["odd", "a"]
    assert as_is.frame["odd"].dtype == column.dtype


def test_nested_columns_of_files_are_refused_where_they_are_used(tmp_path):
    path = tmp_path / "data.parquet"
    pd.DataFrame({"tags": [["x"], ["y"]], "a": [1, 2], "y": [0, 1]}).to_parquet(path)
    with pytest.raises(DatasetError, match=r"^feature 'tags' is of the type list<element: \w+>, which no model learns"):
        DataFrameLoader("y").load(path)
    assert DataFrameLoader("y", exclude=["tags"]).load(path).features == ["a"]
    assert DataFrameLoader("y", as_is=["tags"]).load(path).frame["tags"].map(list).tolist() == [["x"], ["y"]]


def test_features_without_any_value_are_said_once(capsys):
    frame = pd.DataFrame({"a": [None, None], "b": pd.Series([None, None], dtype="float64"), "y": [0, 1], "c": [1, 2]})
    table = DataFrameLoader("y").load(frame)
    assert table.frame["a"].dtype == float
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("WARNING: the features 'a' hold no values and say nothing of their type; they are NaN")
    DataFrameLoader("y", exclude=["a"]).load(frame)
    assert capsys.readouterr().out == ""


def test_a_folder_of_csv_files_is_one_table(tmp_path):
    (tmp_path / "0.csv").write_text("y,day,amount\n0,2024-01-01,\n")
    (tmp_path / "1.csv").write_text("y,amount,day\n1,1.5,2024-01-02\n")
    table = DataFrameLoader("y").load(tmp_path)
    assert table.frame.dtypes.astype(str).to_dict() == {"y": "int64", "day": "datetime64[us]", "amount": "float64"}
    assert table.labels.tolist() == [0, 1]


# --- features


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["age", "sex", "month"]),
        ({"exclude": ["month"]}, ["age", "sex"]),
        ({"exclude": ("month", "y", "unknown")}, ["age", "sex"]),
        ({"features": ["sex", "age"]}, ["sex", "age"]),
        ({"features": ("sex", "age", "sex")}, ["sex", "age"]),
        ({"features": ["sex", "age"], "exclude": ["sex"]}, ["age"]),
        ({"features": ["who", "month"], "feature_groups": {"who": ["sex", "age"]}}, ["sex", "age", "month"]),
        ({"features": ["who", "sex"], "feature_groups": {"who": ("sex", "age")}}, ["sex", "age"]),
        ({"features": ["who"], "feature_groups": {"who": ["sex", "age"]}, "exclude": ["age"]}, ["sex"]),
        ({"feature_groups": {"who": ["sex"]}}, ["age", "sex", "month"]),
    ],
)
def test_features(frame, options, expected):
    table = DataFrameLoader("y", **options).load(frame)
    assert table.features == expected
    assert list(table.frame.columns) == ["age", "sex", "y", "month"]


def test_missing_features_are_an_error_by_default(frame):
    message = (
        r"^features 'fare', 'cabin' are not in the data, which have 'age', 'sex', 'y', 'month'; "
        r"correct the names or set missing_features='skip' or 'null'$"
    )
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y", ["age", "fare", "cabin"]).load(frame)


def test_missing_features_can_be_skipped(frame):
    table = DataFrameLoader("y", ["fare", "age", "cabin"], missing_features="skip").load(frame)
    assert table.features == ["age"]


def test_missing_features_can_be_missing_values(frame):
    table = DataFrameLoader("y", ["fare", "age", "cabin"], missing_features="null").load(frame)
    assert table.features == ["fare", "age", "cabin"]
    assert table.frame[["fare", "cabin"]].dtypes.tolist() == [np.dtype(float)] * 2
    assert table.frame[["fare", "cabin"]].isna().all(axis=None)
    assert table.frame["age"].equals(frame["age"])


@pytest.mark.parametrize(
    "options",
    [{"exclude": ["age", "sex", "month"]}, {"features": []}, {"features": ["fare"], "missing_features": "skip"}],
)
def test_no_feature_is_left(frame, options):
    with pytest.raises(DatasetError, match=r"^no feature is left: the data have 'age', .*, the label is 'y' and "):
        DataFrameLoader("y", **options).load(frame)


@pytest.mark.parametrize("options", [{"features": ["age", "y"]}, {"features": ["g"], "feature_groups": {"g": ["y"]}}])
def test_the_label_is_no_feature(frame, options):
    with pytest.raises(TaskDefinitionError, match=r"^the label column 'y' is named as a feature; remove it there$"):
        DataFrameLoader("y", **options).load(frame)


@pytest.mark.parametrize("name", ["features", "exclude"])
def test_a_text_is_no_list_of_names(frame, name):
    message = rf"^{name} is the text 'age'; give a list of names, such as \['age'\]$"
    with pytest.raises(TaskDefinitionError, match=message):
        DataFrameLoader("y", **{name: "age"})
    loader = DataFrameLoader("y")
    setattr(loader, name, "age")  # as a hyperparameter without a type does
    with pytest.raises(TaskDefinitionError, match=message):
        loader.load(frame)


def test_missing_features_knows_three_words(frame):
    message = r"^missing_features is 'drop'; choose from error, skip, null$"
    with pytest.raises(TaskDefinitionError, match=message):
        DataFrameLoader("y", missing_features="drop")
    loader = DataFrameLoader("y")
    loader.missing_features = "drop"
    with pytest.raises(TaskDefinitionError, match=message):
        loader.load(frame)


# --- sample

TEN_ROWS = pd.DataFrame({"y": [0, 1] * 5, "a": range(10)}, index=list("abcdefghij"))


@pytest.mark.parametrize(
    ("sample", "seed", "rows"),
    [
        (4, 0, "cefh"),
        (4, 1, "degj"),
        (0.4, 0, "cefh"),
        (np.int64(4), 0, "cefh"),
        (np.float32(0.4), 0, "cefh"),
        (1, 0, "i"),
        (0.01, 0, "i"),
        (10, 0, "abcdefghij"),
        (99, 0, "abcdefghij"),
        (1.0, 0, "abcdefghij"),
        (None, 0, "abcdefghij"),
    ],
)
def test_sample(sample, seed, rows):
    table = DataFrameLoader("y", sample=sample, sample_seed=seed).load(TEN_ROWS)
    assert table.frame.index.tolist() == list(rows)
    assert table.labels.tolist() == [(ord(row) - ord("a")) % 2 for row in rows]


@given(sample=st.one_of(st.integers(1, 20), st.floats(0.001, 1.0)), seed=st.integers(0, 2**32))
def test_a_sample_has_its_size_and_the_order_of_the_data(sample, seed):
    loader = DataFrameLoader("y", sample=sample, sample_seed=seed)
    rows = loader.load(TEN_ROWS).frame["a"].tolist()
    assert len(rows) == (min(sample, 10) if isinstance(sample, int) else max(1, round(sample * 10)))
    assert rows == sorted(set(rows))
    assert loader.load(TEN_ROWS).frame["a"].tolist() == rows


@pytest.mark.parametrize("sample", [0, -1, 0.0, -0.5, float("nan"), "0.5", True])
def test_a_sample_is_a_positive_number(sample):
    message = rf"^sample is {sample!r}; give a number of rows or a share up to 1.0$"
    with pytest.raises(TaskDefinitionError, match=message):
        DataFrameLoader("y", sample=sample)
    loader = DataFrameLoader("y")
    loader.sample = sample
    with pytest.raises(TaskDefinitionError, match=message):
        loader.load(TEN_ROWS)


def test_a_share_is_at_most_everything():
    message = r"^sample is 4.0; a share is at most 1.0, a number of rows is an int$"
    with pytest.raises(TaskDefinitionError, match=message):
        DataFrameLoader("y", sample=4.0)


# --- labels


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "expected_dtype"),
    [
        ([0, 1], "int64", [0, 1], "int64"),
        ([0, 1], "int8", [0, 1], "int64"),
        ([0, 1], "uint8", [0, 1], "int64"),
        ([0, 1], "Int64", [0, 1], "int64"),
        ([0, 1], "UInt8", [0, 1], "int64"),
        ([0, 1], "int64[pyarrow]", [0, 1], "int64"),
        ([0.5, 1.0], "float64", [0.5, 1.0], "float64"),
        ([0.5, 1.0], "float32", [0.5, 1.0], "float64"),
        ([0.5, 1.0], "Float64", [0.5, 1.0], "float64"),
        ([Decimal("0.5"), Decimal("1")], pd.ArrowDtype(pa.decimal128(5, 2)), [0.5, 1.0], "float64"),
        ([False, True], "bool", [False, True], "bool"),
        ([False, True], "boolean", [False, True], "bool"),
        ([False, True], "bool[pyarrow]", [False, True], "bool"),
        (["b", "a"], "object", ["b", "a"], "object"),
        (["b", "a"], "str", ["b", "a"], "object"),
        (["b", "a"], "string", ["b", "a"], "object"),
        (["b", "a"], "string[pyarrow]", ["b", "a"], "object"),
        (["b", "a"], "category", ["b", "a"], "object"),
        ([5, 3], "category", [5, 3], "int64"),
        ([0.5, 0.25], "category", [0.5, 0.25], "float64"),
        ([False, True], "category", [False, True], "bool"),
        ([0, 1], "object", [0, 1], "int64"),
        ([0.5, 1], "object", [0.5, 1.0], "float64"),
        ([False, True], "object", [False, True], "bool"),
        ([Decimal("0.5"), Decimal("1")], "object", [0.5, 1.0], "float64"),
        ([2**64 - 1, 0], "uint64", [2**64 - 1, 0], "uint64"),
    ],
)
def test_labels_are_a_plain_array(values, dtype, expected, expected_dtype):
    labels = labels_of(values, dtype)
    assert type(labels) is np.ndarray
    assert labels.dtype == np.dtype(expected_dtype)
    assert labels.tolist() == expected


def test_times_are_labels_too():
    labels = labels_of(pd.to_datetime(pd.Series(["2024-01-01", "2024-01-02"])))
    assert labels.dtype == object
    assert labels.tolist() == [datetime(2024, 1, 1), datetime(2024, 1, 2)]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1.0, np.nan, np.nan], "float64"),
        ([1.0, np.inf, -np.inf], "float64"),
        ([1.0, np.inf, None], "Float64"),
        ([1, pd.NA, None], "Int64"),
        ([True, None, pd.NA], "boolean"),
        (["a", None, np.nan], "object"),
        (["a", None, pd.NA], "string"),
        (["a", None, None], "category"),
        ([1.0, np.inf, None], "category"),
        ([1, np.inf, None], "object"),
        ([pd.Timestamp("2024-01-01"), pd.NaT, None], "datetime64[ns]"),
    ],
)
def test_missing_and_infinite_labels(values, dtype):
    frame = pd.DataFrame({"y": pd.Series(values, dtype=dtype, index=[7, 8, 9]), "a": 1.0})
    message = r"^label column 'y' has no finite value in 2 of 3 rows, the first at index 8; drop or fill these rows$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("y").load(frame)


def test_index_levels_are_shown_as_text():
    index = pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])
    with pytest.raises(DatasetError, match=r"the first at index 2, b; drop"):
        DataFrameLoader("y").load(pd.DataFrame({"y": [1.0, None], "a": 1.0}, index=index))


def test_missing_labels_are_refused_even_outside_the_sample():
    frame = TEN_ROWS.assign(y=[None, *range(9)])
    with pytest.raises(DatasetError, match="in 1 of 10 rows, the first at index a; drop"):
        DataFrameLoader("y", sample=4).load(frame)


def test_no_label_column(frame):
    message = r"^label column 'Survived' is not in the data, which have 'age', 'sex', 'y', 'month'$"
    with pytest.raises(DatasetError, match=message):
        DataFrameLoader("Survived").load(frame)
