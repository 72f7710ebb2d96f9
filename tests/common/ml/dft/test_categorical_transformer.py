import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tg.common.ml.dft import CategoricalTransformer

TEXT_DTYPES = [object, "string", "category", pd.StringDtype("python"), pd.Series(["a"]).dtype]


def fit(values, dtype=None, **options):
    return CategoricalTransformer(["a"], **options).fit(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))


def transform(transformer, values, dtype=None):
    return transformer.transform(pd.DataFrame({"a": pd.Series(values, dtype=dtype)})).to_dict("list")


def names(values, dtype=None, **options):
    return list(fit(values, dtype, **options).get_feature_names_out())


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
def test_text_dtypes(dtype):
    values = ["b", "a", None, "b"]
    assert transform(fit(values, dtype), values, dtype) == {
        "a_a": [0.0, 1.0, 0.0, 0.0],
        "a_b": [1.0, 0.0, 0.0, 1.0],
        "a_NULL": [0.0, 0.0, 1.0, 0.0],
    }


@pytest.mark.parametrize("later", TEXT_DTYPES)
@pytest.mark.parametrize("first", TEXT_DTYPES)
def test_text_dtype_may_change(first, later):
    transformer = fit(["b", "a", "b"], first)
    assert transform(transformer, ["a", "b"], later) == {"a_a": [1.0, 0.0], "a_b": [0.0, 1.0]}


def test_arrow_text():
    pytest.importorskip("pyarrow")
    transformer = fit(["b", "a", None], "string[pyarrow]")
    assert transform(transformer, ["a", None], "string[pyarrow]") == {
        "a_a": [1.0, 0.0],
        "a_b": [0.0, 0.0],
        "a_NULL": [0.0, 1.0],
    }


def test_output_is_float64():
    result = CategoricalTransformer(["a"]).fit_transform(pd.DataFrame({"a": ["x", "y"]}))
    assert set(result.dtypes) == {np.dtype("float64")}


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([10, 9, 100], "int64", ["a_9", "a_10", "a_100"]),
        ([10.5, 9.0, float("nan")], "float64", ["a_9.0", "a_10.5", "a_NULL"]),
        ([10, 9, None], "Int64", ["a_9", "a_10", "a_NULL"]),
        ([True, False], "bool", ["a_False", "a_True"]),
        ([True, False, None], "boolean", ["a_False", "a_True", "a_NULL"]),
        ([True, False, None], object, ["a_False", "a_True", "a_NULL"]),
        ([10, 9, 100], "category", ["a_9", "a_10", "a_100"]),
        (["10", "9", "100"], object, ["a_10", "a_100", "a_9"]),
        ([Decimal("10.0"), 9, None], object, ["a_9", "a_10.0", "a_NULL"]),
        ([datetime.date(2024, 1, 2), datetime.date(2023, 5, 6)], object, ["a_2023-05-06", "a_2024-01-02"]),
        ([None, float("nan"), pd.NA, pd.NaT, "x"], object, ["a_x", "a_NULL"]),
        ([None, None], object, ["a_NULL"]),
        (["", " "], object, ["a_", "a_ "]),
    ],
)
def test_order_and_names_by_dtype(values, dtype, expected):
    assert names(values, dtype) == expected


def test_order_does_not_follow_an_ordered_category():
    dtype = pd.CategoricalDtype(["small", "medium", "large"], ordered=True)
    assert names(["small", "medium"], dtype) == ["a_medium", "a_small"]


def test_unused_categories_have_no_column():
    dtype = pd.CategoricalDtype(["x", "y", "z"])
    assert names(["z", "x"], dtype) == ["a_x", "a_z"]
    assert names(["z", "x"], dtype, max_values=2) == ["a_x", "a_z"]


def test_mixed_objects_sort_numbers_first_and_keep_names_distinct():
    transformer = fit(["1", 2, 1, "b", 0.5, None], object)
    assert list(transformer.get_feature_names_out()) == ["a_0.5", "a_1", "a_2", "a_1_2", "a_b", "a_NULL"]
    assert transform(transformer, [1, "1"], object)["a_1"] == [1.0, 0.0]
    assert transform(transformer, [1, "1"], object)["a_1_2"] == [0.0, 1.0]


def test_values_equal_in_python_are_one():
    assert names([1, 1.0, True], object) == ["a_1"]


def test_cap_keeps_the_most_frequent():
    values = ["c"] * 3 + ["a"] * 2 + ["b"] * 4 + ["d"]
    transformer = fit(values, max_values=2)
    assert list(transformer.get_feature_names_out()) == ["a_b", "a_c", "a_OTHER"]
    assert transform(transformer, ["a", "b", "c", "d", "new"]) == {
        "a_b": [0.0, 1.0, 0.0, 0.0, 0.0],
        "a_c": [0.0, 0.0, 1.0, 0.0, 0.0],
        "a_OTHER": [1.0, 0.0, 0.0, 1.0, 1.0],
    }


@pytest.mark.parametrize("values", [["d", "c", "b", "a"], ["a", "b", "c", "d"], ["b", "d", "a", "c"]])
def test_ties_at_the_cap_go_to_the_first_by_text(values):
    assert names(values, max_values=2) == ["a_a", "a_b", "a_OTHER"]


def test_ties_of_numbers_go_by_text_but_columns_by_size():
    assert names([9, 10, 100, 2], max_values=3) == ["a_2", "a_10", "a_100", "a_OTHER"]


def test_ties_do_not_displace_a_more_frequent_value():
    assert names(["z", "z", "a", "b", "c"], max_values=2) == ["a_a", "a_z", "a_OTHER"]


def test_default_cap_is_ten():
    exact = [f"v{i}" for i in range(10)]
    assert names(exact) == [f"a_v{i}" for i in range(10)]
    assert names([*exact, "v10"]) == [
        *("a_v0", "a_v1", "a_v10", "a_v2", "a_v3", "a_v4", "a_v5", "a_v6", "a_v7", "a_v8"),
        "a_OTHER",
    ]


def test_missing_values_do_not_count_towards_the_cap():
    assert names(["x", "y", None, None, None], max_values=2) == ["a_x", "a_y", "a_NULL"]


def test_no_cap():
    assert len(names([f"v{i}" for i in range(50)], max_values=None)) == 50


def test_unseen_and_missing_rows_are_zeros_without_other_and_null():
    transformer = fit(["x", "y"])
    assert transform(transformer, ["z", None, "x"]) == {"a_x": [0.0, 0.0, 1.0], "a_y": [0.0, 0.0, 0.0]}


def test_missing_value_unseen_in_fit_is_not_other():
    transformer = fit(["x", "y", "z", "x"], max_values=1)
    assert transform(transformer, [None, "q"]) == {"a_x": [0.0, 0.0], "a_OTHER": [0.0, 1.0]}


def test_unseen_value_is_not_null():
    transformer = fit(["x", None])
    assert transform(transformer, ["q", None]) == {"a_x": [0.0, 0.0], "a_NULL": [0.0, 1.0]}


def test_literal_other_and_null_beside_the_true_ones():
    values = ["OTHER", "OTHER", "NULL", "NULL", "x", None]
    transformer = fit(values, max_values=2)
    assert list(transformer.get_feature_names_out()) == ["a_NULL_2", "a_OTHER_2", "a_OTHER", "a_NULL"]
    assert transform(transformer, ["OTHER", "NULL", "x", None]) == {
        "a_NULL_2": [0.0, 1.0, 0.0, 0.0],
        "a_OTHER_2": [1.0, 0.0, 0.0, 0.0],
        "a_OTHER": [0.0, 0.0, 1.0, 0.0],
        "a_NULL": [0.0, 0.0, 0.0, 1.0],
    }


def test_literal_other_and_null_alone_keep_their_names():
    assert names(["OTHER", "NULL"]) == ["a_NULL", "a_OTHER"]


def test_names_are_distinct_between_columns():
    frame = pd.DataFrame({"a": ["b_c"], "a_b": ["c"], 0: ["x"]})
    transformer = CategoricalTransformer(["a", "a_b", 0]).fit(frame)
    assert list(transformer.get_feature_names_out()) == ["a_b_c", "a_b_c_2", "0_x"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([2, 1], "int64"), ([2.0, 1.0], "float64"), ([2, None], object), ([2, None], "Int64"), ([2, 1], "category")],
)
def test_numbers_may_change_their_dtype(values, dtype):
    transformer = fit([1, 2, 2], "int64")
    assert transform(transformer, values, dtype)["a_2"] == [1.0, 0.0]


def test_decimals_meet_their_floats_and_dates_their_midnights():
    transformer = fit([1.1, 2.5])
    assert transform(transformer, [Decimal("1.1"), Decimal("2.5")], object) == {
        "a_1.1": [1.0, 0.0],
        "a_2.5": [0.0, 1.0],
    }
    transformer = fit(pd.to_datetime(["2024-01-01", "2024-01-02"]))
    assert list(transform(transformer, [datetime.date(2024, 1, 2)], object).values()) == [[0.0], [1.0]]


def test_booleans_may_arrive_as_objects():
    transformer = fit([True, False], "bool")
    assert transform(transformer, [True, None, False], object) == {
        "a_False": [0.0, 0.0, 1.0],
        "a_True": [1.0, 0.0, 0.0],
    }


@pytest.mark.parametrize("index", [pd.Index([5, 5]), pd.Index(["r", "s"], name="key")])
def test_index_is_kept(index):
    frame = pd.DataFrame({"a": ["x", "y"]}, index=index)
    expected = pd.DataFrame({"a_x": [1.0, 0.0], "a_y": [0.0, 1.0]}, index=index)
    assert_frame_equal(CategoricalTransformer(["a"]).fit_transform(frame), expected)


def test_no_rows_in_transform():
    result = fit(["x", None]).transform(pd.DataFrame({"a": pd.Series([], dtype=object)}))
    assert result.shape == (0, 2)


def test_many_values_and_rows_agree_with_a_row_by_row_count():
    rng = np.random.default_rng(0)
    values = pd.Series(rng.integers(0, 300, 5000)).astype(str)
    result = CategoricalTransformer(["a"], max_values=200).fit_transform(pd.DataFrame({"a": values}))
    kept = sorted(values.value_counts().items(), key=lambda item: (-item[1], item[0]))[:200]
    assert list(result.columns) == [*sorted(f"a_{value}" for value, _ in kept), "a_OTHER"]
    assert {name: total for name, total in result.sum().items() if name != "a_OTHER"} == {
        f"a_{value}": float(count) for value, count in kept
    }
    assert (result.sum(axis=1) == 1.0).all()


def test_clone_and_pickle():
    frame = pd.DataFrame({"a": ["x", "y", "z", None]})
    transformer = CategoricalTransformer(["a"], max_values=2).fit(frame)
    assert_frame_equal(pickle.loads(pickle.dumps(transformer)).transform(frame), transformer.transform(frame))
    copy = clone(transformer)
    assert copy.get_params() == {"columns": ["a"], "max_values": 2}
    with pytest.raises(NotFittedError):
        copy.transform(frame)


@pytest.mark.parametrize("value", [0, -1, True, 2.5, "10"])
def test_bad_max_values(value):
    with pytest.raises(ValueError, match="max_values must be a whole number of at least 1, or None, got"):
        fit(["x"], max_values=value)


@pytest.mark.parametrize("value", [[1], {"k": 1}, {1}])
def test_values_that_are_no_categories(value):
    text = (
        r"column 'a' \(dtype object\) holds values that cannot be categories \(unhashable type: .*on_columns\(\['a'\]"
    )
    with pytest.raises(ValueError, match=text):
        fit([value, value], object)
    with pytest.raises(ValueError, match=text):
        transform(fit(["x"]), [value], object)
