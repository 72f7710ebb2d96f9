import pickle
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import sklearn
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, MinMaxScaler, StandardScaler

from tg.common.ml.dft import ContinousTransformer, ContinuousTransformer

NAN = float("nan")


def fit_transform(values, dtype=None, **options):
    """The output for one column ``a``, as a dict of lists."""
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype)})
    return ContinuousTransformer(["a"], **options).fit_transform(frame).to_dict("list")


def test_missing_values_become_exactly_the_mean_after_scaling():
    assert fit_transform([1.0, 3.0, NAN]) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}


def test_no_indicator_for_a_column_complete_in_fit():
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [NAN, 5.0]})
    transformer = ContinuousTransformer(["a", "b"]).fit(frame)
    result = transformer.transform(pd.DataFrame({"a": [NAN, 5.0], "b": [5.0, 6.0]}))
    assert result.to_dict("list") == {"a": [0.0, 3.0], "b": [0.0, 1.0], "b_missing": [0.0, 0.0]}


def test_indicators_come_after_all_values():
    frame = pd.DataFrame({"a": [NAN, 3.0], "b": [NAN, 5.0]})
    names = ContinuousTransformer(["b", "a"]).fit(frame).get_feature_names_out()
    assert list(names) == ["b", "a", "b_missing", "a_missing"]


def test_indicator_can_be_switched_off():
    assert fit_transform([1.0, 3.0, NAN], missing_indicator=False) == {"a": [-1.0, 1.0, 0.0]}


def test_scaling_comes_before_imputing():
    # imputed first, the 100 would have been scaled and the mean moved
    result = fit_transform([1.0, 3.0, NAN], imputer=SimpleImputer(strategy="constant", fill_value=100.0))
    assert result == {"a": [-1.0, 1.0, 100.0], "a_missing": [0.0, 0.0, 1.0]}


def test_scaler_none_leaves_values_and_imputes_their_mean():
    assert fit_transform([1.0, 3.0, NAN], scaler=None) == {"a": [1.0, 3.0, 2.0], "a_missing": [0.0, 0.0, 1.0]}


def test_imputer_none_leaves_nan():
    result = fit_transform([1.0, 3.0, NAN], imputer=None)
    assert result["a"][:2] == [-1.0, 1.0]
    assert np.isnan(result["a"][2])
    assert result["a_missing"] == [0.0, 0.0, 1.0]


def test_other_scaler():
    assert fit_transform([1.0, 2.0, 5.0], scaler=MinMaxScaler()) == {"a": [0.0, 0.25, 1.0]}


def test_imputer_that_looks_at_other_columns():
    frame = pd.DataFrame({"a": [1.0, NAN, 9.0], "b": [1.0, 1.1, 9.0]})
    transformer = ContinuousTransformer(["a", "b"], scaler=None, imputer=KNNImputer(n_neighbors=1))
    assert transformer.fit_transform(frame)["a"].tolist() == [1.0, 1.0, 9.0]


def test_nan_made_by_the_scaler_is_imputed():
    def take_root(values):
        return np.where(values < 0, np.nan, np.sqrt(np.abs(values)))

    result = fit_transform([4.0, 16.0, -1.0], scaler=FunctionTransformer(take_root))
    assert result == {"a": [2.0, 4.0, 3.0]}


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinities_are_missing(infinity):
    assert fit_transform([1.0, 3.0, infinity]) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}
    transformer = ContinuousTransformer(["a"]).fit(pd.DataFrame({"a": [1.0, 3.0]}))
    assert transformer.transform(pd.DataFrame({"a": [infinity]}))["a"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 3, 1], "int64"),
        ([1, 3, 1], "int8"),
        ([1, 3, 1], "uint16"),
        ([1, 3, 1], "float32"),
        ([True, False, True], "bool"),
        ([1, 3, 1], "Int64"),
        ([1, 3, 1], "Float64"),
        ([True, False, True], "boolean"),
        ([1, 3, 1], object),
        ([1, 3, 1], "category"),
        ([1.0, 3.0, 1.0], "Sparse[float64]"),
    ],
)
def test_numeric_dtypes_without_gaps(values, dtype):
    expected = [1.0, 0.0, 1.0] if isinstance(values[0], bool) else [1.0, 3.0, 1.0]
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype)})
    result = ContinuousTransformer(["a"], scaler=None).fit_transform(frame)
    assert result.to_dict("list") == {"a": expected}
    assert result.dtypes.tolist() == [np.dtype("float64")]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 3, None], "Int64"),
        ([1, 3, None], "Float64"),
        ([1, 3, None], object),
        ([1, 3, pd.NA], object),
        ([Decimal(1), Decimal(3), None], object),
        ([1, 3, None], "category"),
        (["1", "3", None], object),
    ],
)
def test_numeric_dtypes_with_gaps(values, dtype):
    assert fit_transform(values, dtype) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}


@pytest.mark.parametrize("dtype", ["boolean", object])
def test_booleans_with_gaps(dtype):
    assert fit_transform([True, False, None], dtype, scaler=None) == {
        "a": [1.0, 0.0, 0.5],
        "a_missing": [0.0, 0.0, 1.0],
    }


def test_timedeltas_are_seconds():
    values = pd.to_timedelta(["1min", "1D", None])
    assert fit_transform(values, scaler=None) == {"a": [60.0, 86400.0, 43230.0], "a_missing": [0.0, 0.0, 1.0]}


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "double[pyarrow]"])
def test_arrow_numbers(dtype):
    pytest.importorskip("pyarrow")
    assert fit_transform([1, 3, None], dtype) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}


@pytest.mark.parametrize("dtype", ["float64", "Int64", object])
def test_column_without_values_is_zero_and_does_not_warn(dtype):
    frame = pd.DataFrame({"a": pd.Series([None, None], dtype=dtype), "b": [1.0, 3.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transformer = ContinuousTransformer(["a", "b"]).fit(frame)
        fitted = transformer.transform(frame)
        later = transformer.transform(pd.DataFrame({"a": [7.0, NAN], "b": [5.0, NAN]}))
    assert fitted.to_dict("list") == {"a": [0.0, 0.0], "b": [-1.0, 1.0], "a_missing": [1.0, 1.0]}
    assert later.to_dict("list") == {"a": [0.0, 0.0], "b": [3.0, 0.0], "a_missing": [0.0, 1.0]}


def test_only_columns_without_values():
    assert fit_transform([NAN, NAN]) == {"a": [0.0, 0.0], "a_missing": [1.0, 1.0]}


def test_column_without_values_stays_nan_without_imputer():
    assert np.isnan(fit_transform([NAN, NAN], imputer=None)["a"]).all()


def test_constant_column_is_zero():
    assert fit_transform([4.0, 4.0]) == {"a": [0.0, 0.0]}


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 3]),
        pd.Index(["x", "y", "x"], name="key"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["k", "n"]),
    ],
)
def test_index_is_kept(index):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=index)
    result = ContinuousTransformer(["a"], scaler=None).fit_transform(frame)
    assert_frame_equal(result, frame)


def test_input_is_not_changed_and_output_is_independent():
    frame = pd.DataFrame({"a": [1.0, np.inf, 3.0]})
    before = frame.copy()
    for scaler in ("standard", StandardScaler(copy=False), None):
        result = ContinuousTransformer(["a"], scaler=scaler).fit_transform(frame)
        result.iloc[0, 0] = 99.0
        assert_frame_equal(frame, before)


def test_no_rows_in_transform():
    transformer = ContinuousTransformer(["a"]).fit(pd.DataFrame({"a": [1.0, NAN]}))
    result = transformer.transform(pd.DataFrame({"a": pd.Series([], dtype="float64")}))
    assert result.shape == (0, 2)
    assert list(result.columns) == ["a", "a_missing"]


def test_names_are_text_and_distinct():
    frame = pd.DataFrame([[NAN, 1.0, 2.0], [2.0, 1.0, 3.0]], columns=["a", "a_missing", 0])
    names = ContinuousTransformer(["a", "a_missing", 0]).fit_transform(frame).columns
    assert list(names) == ["a", "a_missing", "0", "a_missing_2"]


def test_other_columns_are_ignored():
    frame = pd.DataFrame({"z": ["x", "y"], "a": [1.0, 3.0]})
    assert ContinuousTransformer(["a"]).fit_transform(frame).to_dict("list") == {"a": [-1.0, 1.0]}


def test_clone_keeps_parameters_and_drops_what_was_learnt():
    scaler = MinMaxScaler()
    original = ContinuousTransformer(["a"], scaler=scaler, imputer=None, missing_indicator=False)
    original.fit(pd.DataFrame({"a": [1.0, 2.0]}))
    assert not hasattr(scaler, "scale_")
    copy = clone(original)
    assert copy.columns == ["a"]
    assert isinstance(copy.scaler, MinMaxScaler)
    assert copy.imputer is None
    assert copy.missing_indicator is False
    with pytest.raises(NotFittedError):
        copy.transform(pd.DataFrame({"a": [1.0]}))


def test_pickle():
    frame = pd.DataFrame({"a": [1.0, 3.0, NAN]})
    transformer = ContinuousTransformer(["a"]).fit(frame)
    assert_frame_equal(pickle.loads(pickle.dumps(transformer)).transform(frame), transformer.transform(frame))


def test_set_params():
    transformer = ContinuousTransformer(["a"]).set_params(scaler=None)
    assert transformer.fit_transform(pd.DataFrame({"a": [1.0, 2.0]})).to_dict("list") == {"a": [1.0, 2.0]}


def test_global_pandas_output_changes_nothing():
    with sklearn.config_context(transform_output="pandas"):
        assert fit_transform([1.0, 3.0, NAN]) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}


def test_old_spelling_is_the_same_class():
    assert ContinousTransformer is ContinuousTransformer


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["x", "y"], "column 'a' .* is not numeric: could not convert string to float"),
        ([1 + 2j, 3j], r"column 'a' \(dtype complex128\) is not numeric"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), r"column 'a' \(dtype datetime64\[.*\]\) is not numeric"),
        (pd.Series([10**400, 1], dtype=object), r"column 'a' \(dtype object\) is not numeric: int too large"),
    ],
)
def test_values_that_are_not_numbers(values, text):
    with pytest.raises(ValueError, match=text):
        ContinuousTransformer(["a"]).fit(pd.DataFrame({"a": values}))


def test_errors_of_parameters():
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(ValueError, match="scaler must be 'standard', a scikit-learn transformer or None, got 'minmax'"):
        ContinuousTransformer(["a"], scaler="minmax").fit(frame)
    with pytest.raises(ValueError, match="imputer must be 'mean', a scikit-learn transformer or None, got 'median'"):
        ContinuousTransformer(["a"], imputer="median").fit(frame)
    with pytest.raises(TypeError, match=r"columns must be a list of column names, got 'a'; write \['a'\]"):
        ContinuousTransformer("a").fit(frame)
    with pytest.raises(ValueError, match=r"names a column twice: \['a', 'a'\]"):
        ContinuousTransformer(["a", "a"]).fit(frame)
    with pytest.raises(ValueError, match="scaler KBinsDiscretizer made 2 columns of 1"):
        ContinuousTransformer(["a"], scaler=KBinsDiscretizer(2, encode="onehot-dense", strategy="uniform")).fit(frame)
    with pytest.raises(ValueError, match="imputer SimpleImputer made 2 columns of 1"):
        ContinuousTransformer(["a"], imputer=SimpleImputer(add_indicator=True)).fit_transform(
            pd.DataFrame({"a": [1.0, NAN]})
        )


def test_errors_of_frames():
    transformer = ContinuousTransformer(["a", "b", "c"])
    with pytest.raises(TypeError, match="expected a pandas DataFrame, got ndarray"):
        transformer.fit(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"lacks the columns \['b', 'c'\]; it has \['a', 'z'\]"):
        transformer.fit(pd.DataFrame({"a": [1.0], "z": [1.0]}))
    with pytest.raises(ValueError, match="column 'a' occurs several times"):
        ContinuousTransformer(["a"]).fit(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="cannot fit on a frame without rows"):
        ContinuousTransformer(["a"]).fit(pd.DataFrame({"a": pd.Series([], dtype="float64")}))
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()
    fitted = ContinuousTransformer(["a"]).fit(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(ValueError, match=r"lacks the columns \['a'\]"):
        fitted.transform(pd.DataFrame({"b": [1.0]}))
