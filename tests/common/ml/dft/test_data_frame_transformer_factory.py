import datetime
import decimal
import json
import pickle
import warnings
from functools import partial
from pathlib import Path

import jsonpickle
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from tg.common.ml import dft
from tg.common.ml.dft import (
    CategoricalTransformer,
    ContinuousTransformer,
    DataFrameTransformer,
    DataFrameTransformerFactory,
    DatetimeTransformer,
)

TITANIC = Path(__file__).parents[5] / "shared" / "data" / "titanic.csv"


def mixed_frame():
    return pd.DataFrame(
        {
            "text": ["x", "y", None],
            "when": pd.to_datetime(["2020-05-01", "2024-05-01", None]),
            "flag": [True, False, True],
            "number": [1.0, 3.0, np.nan],
            "span": pd.to_timedelta(["1s", "3s", None]),
            "whole": [1, 2, 3],
            "kind": pd.Categorical(["p", "q", "p"]),
        },
        index=[30, 10, 10],
    )


def default():
    return DataFrameTransformerFactory.default_factory()


def fit_transform_one(values, dtype=None):
    return default().fit_transform(pd.DataFrame({"a": pd.Series(values, dtype=dtype)})).to_dict("list")


def test_public_names():
    assert dft.__all__ == [
        "CategoricalTransformer",
        "ContinousTransformer",
        "ContinuousTransformer",
        "DataFrameTransformer",
        "DataFrameTransformerFactory",
        "DatetimeTransformer",
    ]


def test_default_factory_on_all_kinds():
    step = 1.5**0.5
    expected = pd.DataFrame(
        {
            "number": [-1.0, 1.0, 0.0],
            "span": [-1.0, 1.0, 0.0],
            "whole": [-step, 0.0, step],
            "number_missing": [0.0, 0.0, 1.0],
            "span_missing": [0.0, 0.0, 1.0],
            "flag": [1.0, 0.0, 1.0],
            "text_x": [1.0, 0.0, 0.0],
            "text_y": [0.0, 1.0, 0.0],
            "text_NULL": [0.0, 0.0, 1.0],
            "kind_p": [1.0, 0.0, 1.0],
            "kind_q": [0.0, 1.0, 0.0],
            "when_year": [-1.0, 1.0, 0.0],
            "when_dayofweek": [1.0, -1.0, 0.0],
            "when_missing": [0.0, 0.0, 1.0],
        },
        index=[30, 10, 10],
    )
    frame = mixed_frame()
    before = frame.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        factory = default().fit(frame)
        assert_frame_equal(factory.transform(frame), expected, rtol=1e-12)
        assert_frame_equal(default().fit_transform(frame), expected, rtol=1e-12)
    assert factory.get_feature_names_out().tolist() == list(expected.columns)
    assert isinstance(factory.transformer_, DataFrameTransformer)
    assert_frame_equal(frame, before)


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_booleans_are_one_unscaled_column(dtype):
    assert fit_transform_one([True, True, False], dtype) == {"a": [1.0, 1.0, 0.0]}


def test_missing_boolean_is_zero_with_an_indicator():
    assert fit_transform_one([True, True, None], "boolean") == {"a": [1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}
    assert fit_transform_one([None, None], "boolean") == {"a": [0.0, 0.0], "a_missing": [1.0, 1.0]}


def test_categories_of_booleans_are_categories():
    assert fit_transform_one([True, False], "category") == {"a_False": [0.0, 1.0], "a_True": [1.0, 0.0]}


def test_text_is_no_datetime_but_python_dates_are():
    assert list(fit_transform_one(["2024-01-01"])) == ["a_2024-01-01"]
    days = [datetime.date(2024, 1, 1), datetime.date(2024, 1, 3)]
    assert fit_transform_one(days, object) == {"a_day": [-1.0, 1.0], "a_dayofweek": [-1.0, 1.0]}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([decimal.Decimal("1"), decimal.Decimal("3"), None], object),
        ([decimal.Decimal("1"), decimal.Decimal("3"), None], pd.ArrowDtype(pa.decimal128(5, 2))),
        ([datetime.time(0, 0, 1), datetime.time(0, 0, 3), None], object),
        ([datetime.time(0, 0, 1), datetime.time(0, 0, 3), None], pd.ArrowDtype(pa.time32("s"))),
        ([datetime.timedelta(seconds=1), datetime.timedelta(seconds=3), None], object),
        ([1, 3, None], pd.ArrowDtype(pa.duration("s"))),
        ([1, 3, None], pd.ArrowDtype(pa.int8())),
    ],
)
def test_decimals_and_times_of_day_are_numbers(values, dtype):
    assert fit_transform_one(values, dtype) == {"a": [-1.0, 1.0, 0.0], "a_missing": [0.0, 0.0, 1.0]}


@pytest.mark.parametrize("dtype", [object, pd.ArrowDtype(pa.null())])
def test_a_column_of_nothing_is_a_number_that_is_missing(dtype):
    assert fit_transform_one([None, None], dtype) == {"a": [0.0, 0.0], "a_missing": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("fitted", "values", "expected"),
    [
        ([1.0, 3.0], pd.Series([decimal.Decimal("3"), None], dtype=object), {"a": [1.0, 0.0]}),
        ([1.0, 3.0], pd.Series([decimal.Decimal("3")], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), {"a": [1.0]}),
        ([1.0, 3.0], pd.Series([datetime.time(0, 0, 3)], dtype=object), {"a": [1.0]}),
        (
            pd.to_datetime(["2024-01-01", "2024-01-03"]),
            pd.Series([datetime.date(2024, 1, 1)], dtype=object),
            {"a_day": [-1.0], "a_dayofweek": [-1.0]},
        ),
        (
            pd.to_datetime(["2024-01-01", "2024-01-03"]),
            pd.Series([datetime.date(2024, 1, 3)], dtype=pd.ArrowDtype(pa.date32())),
            {"a_day": [1.0], "a_dayofweek": [1.0]},
        ),
        (
            pd.to_datetime(["2024-01-01", "2024-01-03"]).tz_localize("UTC"),
            pd.Series([datetime.datetime(2024, 1, 3, tzinfo=datetime.timezone.utc)], dtype=object),
            {"a_day": [1.0], "a_dayofweek": [1.0]},
        ),
        (pd.Categorical(["x", "y"]), pd.Series(["y"], dtype=pd.ArrowDtype(pa.string())), {"a_x": [0.0], "a_y": [1.0]}),
        ([True, False], pd.Series([True, None], dtype=pd.ArrowDtype(pa.bool_())), {"a": [1.0, 0.0]}),
    ],
)
def test_a_column_may_arrive_as_another_type_of_the_same_meaning(fitted, values, expected):
    factory = default().fit(pd.DataFrame({"a": fitted}))
    assert factory.transform(pd.DataFrame({"a": values})).to_dict("list") == expected


@pytest.mark.parametrize(
    ("values", "reason"), [(["a", 1], "a 'int' value beside 'str'"), ([b"a"], "values of type 'bytes'")]
)
def test_mixed_objects_are_refused_by_name(values, reason):
    message = (
        rf"^column 'a' \(dtype object\) holds values that cannot be categories: it holds {reason}; make text or "
        r"numbers of them, drop the column, or name it in on_columns\(\['a'\], ...\)$"
    )
    with pytest.raises(ValueError, match=message):
        fit_transform_one(values, object)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.binary(), pa.struct([("a", pa.int64())])])
def test_other_arrow_types_are_refused_by_name(kind):
    frame = pd.DataFrame({"a": pd.Series([None], dtype=pd.ArrowDtype(kind))})
    with pytest.raises(
        ValueError, match=rf"^column 'a' \(dtype {kind}\[pyarrow\]\) has no rule: convert it to numbers"
    ):
        default().fit(frame)


def test_objects_are_categories_even_if_numbers():
    assert list(fit_transform_one([1, 2, None], object)) == ["a_1", "a_2", "a_NULL"]


def test_max_values_of_the_default_factory():
    frame = pd.DataFrame({"a": [f"v{i:02}" for i in range(12)]})
    assert default().fit_transform(frame).columns.tolist() == [*(f"a_v{i:02}" for i in range(10)), "a_OTHER"]
    three = DataFrameTransformerFactory.default_factory(max_values=3)
    assert three.fit_transform(frame).columns.tolist() == ["a_v00", "a_v01", "a_v02", "a_OTHER"]


def test_calls_return_the_factory_and_the_last_one_counts():
    factory = DataFrameTransformerFactory()
    assert factory.on_continuous(ContinuousTransformer) is factory
    factory.on_continuous(partial(ContinuousTransformer, scaler=None))
    assert factory.fit_transform(pd.DataFrame({"a": [5.0, 7.0]})).to_dict("list") == {"a": [5.0, 7.0]}


def test_booleans_go_to_continuous_without_a_rule_of_their_own():
    factory = DataFrameTransformerFactory().on_continuous(ContinuousTransformer)
    assert factory.fit_transform(pd.DataFrame({"a": [True, False]})).to_dict("list") == {"a": [1.0, -1.0]}


def test_explicit_columns_come_first_and_win():
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [5, 7], "c": [2, 4]})
    factory = default()
    factory.on_columns(["c"], CategoricalTransformer).on_columns(["b"], partial(ContinuousTransformer, scaler=None))
    assert factory.fit_transform(frame).to_dict("list") == {
        "c_2": [1.0, 0.0],
        "c_4": [0.0, 1.0],
        "b": [5.0, 7.0],
        "a": [-1.0, 1.0],
    }


def test_explicit_columns_may_go_to_scikit_learn():
    def build(columns):
        return ColumnTransformer([("m", MinMaxScaler(), columns)], verbose_feature_names_out=False)

    factory = default().on_columns(["b"], build)
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [5, 7]})
    assert factory.fit_transform(frame).to_dict("list") == {"b": [0.0, 1.0], "a": [-1.0, 1.0]}


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_rich_categories(dtype):
    frame = pd.DataFrame(
        {"poor": pd.Series(["x", "y", None, "x"], dtype=dtype), "rich": pd.Series(["p", "q", "r", None], dtype=dtype)}
    )
    factory = default().on_rich_category(2, partial(CategoricalTransformer, max_values=1))
    assert factory.fit_transform(frame).columns.tolist() == [
        "poor_x",
        "poor_y",
        "poor_NULL",
        "rich_p",
        "rich_OTHER",
        "rich_NULL",
    ]


def test_rich_category_does_not_take_numbers():
    factory = default().on_rich_category(1, CategoricalTransformer)
    assert factory.fit_transform(pd.DataFrame({"a": [1, 3]})).columns.tolist() == ["a"]


def test_extra_columns_and_order_do_not_matter_in_transform():
    frame = mixed_frame()
    factory = default().fit(frame)
    shuffled = frame[list(reversed(frame.columns))].assign(extra=[[1], [2], [3]])
    assert_frame_equal(factory.transform(shuffled), factory.transform(frame))


def test_dtypes_may_change_after_fit():
    frame = pd.DataFrame({"n": [1, 3], "b": [True, False], "t": pd.to_datetime(["2020-01-01", "2024-01-01"])})
    factory = default().fit(frame)
    later = pd.DataFrame(
        {
            "n": pd.Series([3, None], dtype=object),
            "b": pd.Series([True, None], dtype=object),
            "t": pd.Series([datetime.datetime(2024, 1, 1), None], dtype=object),
        }
    )
    assert factory.transform(later).to_dict("list") == {
        "n": [1.0, 0.0],
        "b": [1.0, 0.0],
        "t_year": [1.0, 0.0],
        "t_dayofweek": [-1.0, 0.0],
    }
    assert factory.transform(frame.astype({"n": "float64"})).to_dict("list")["n"] == [-1.0, 1.0]
    with pytest.raises(ValueError, match=r"column 'n' .* is not numeric"):
        factory.transform(frame.assign(n=["many", "few"]))


def test_absent_columns_are_listed():
    factory = default().fit(mixed_frame())
    with pytest.raises(ValueError, match=r"the frame lacks the columns \['flag', 'whole'\]; it has \['text', 'when'"):
        factory.transform(mixed_frame().drop(columns=["whole", "flag"]))


@pytest.mark.parametrize(
    ("values", "dtype"), [([1j, 2j], r"complex128"), (pd.period_range("2024", periods=2, freq="D"), r"period\[D\]")]
)
def test_dtype_nothing_handles(values, dtype):
    text = (
        rf"^column 'odd' \(dtype {dtype}\) has no rule: convert it to numbers, text or datetimes, drop it, or name it "
        r"in on_columns\(\['odd'\], ...\)$"
    )
    with pytest.raises(ValueError, match=text):
        default().fit(pd.DataFrame({"a": [1, 2], "odd": values}))


def test_lists_are_refused_by_name():
    frame = pd.DataFrame({"a": [1, 2], "tags": [["x"], ["y"]]})
    with pytest.raises(ValueError, match=r"^column 'tags' \(dtype object\) holds values that cannot be categories"):
        default().fit(frame)
    with pytest.raises(ValueError, match=r"^column 'tags' \(dtype object\) holds values that cannot be categories"):
        default().on_rich_category(5, CategoricalTransformer).fit(frame)


@pytest.mark.parametrize(
    ("column", "rule"),
    [("text", "categorical"), ("when", "datetime"), ("flag", "boolean"), ("number", "continuous")],
)
def test_kind_without_a_rule(column, rule):
    with pytest.raises(ValueError, match=rf"column '{column}' \(dtype .*\) has no rule: call on_{rule}\(...\)"):
        DataFrameTransformerFactory().fit(mixed_frame()[[column]])


def test_poor_category_without_a_rule():
    factory = DataFrameTransformerFactory().on_rich_category(5, CategoricalTransformer)
    with pytest.raises(ValueError, match=r"column 'text' .* has no rule: call on_categorical\(...\)"):
        factory.fit(mixed_frame()[["text"]])


def test_errors_of_frames_and_rules():
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(ValueError, match="the frame has no columns to transform"):
        default().fit(pd.DataFrame(index=[1, 2]))
    with pytest.raises(ValueError, match="cannot fit on a frame without rows"):
        default().fit(frame.iloc[:0])
    with pytest.raises(TypeError, match="expected a pandas DataFrame, got ndarray"):
        default().fit(frame.to_numpy())
    with pytest.raises(ValueError, match="column 'a' occurs several times"):
        default().fit(pd.concat([frame, frame], axis=1))
    with pytest.raises(ValueError, match=r"lacks the columns \['z'\]"):
        default().on_columns(["z"], CategoricalTransformer).fit(frame)
    with pytest.raises(ValueError, match=r"names a column twice: \['a', 'a'\]"):
        default().on_columns(["a"], CategoricalTransformer).on_columns(["a"], CategoricalTransformer).fit(frame)
    with pytest.raises(TypeError, match=r"on_columns takes a list of column names, got 'a'; write \['a'\]"):
        default().on_columns("a", CategoricalTransformer)
    with pytest.raises(TypeError, match=r"given to on_columns must return a transformer for \['a'\], got None"):
        default().on_columns(["a"], lambda columns: None).fit(frame)
    with pytest.raises(NotFittedError):
        default().transform(frame)


def test_clone_keeps_the_rules_and_drops_what_was_learnt():
    factory = default().on_rich_category(2, CategoricalTransformer).on_columns(["whole"], CategoricalTransformer)
    parameters = factory.get_params()
    factory.fit(mixed_frame())
    assert factory.get_params() == parameters
    copy = clone(factory)
    assert not hasattr(copy, "transformer_")
    assert copy.rich_category == (2, CategoricalTransformer)
    assert_frame_equal(copy.fit_transform(mixed_frame()), factory.transform(mixed_frame()))


def test_set_params():
    factory = default().set_params(categorical=partial(CategoricalTransformer, max_values=1))
    assert factory.fit_transform(pd.DataFrame({"a": ["x", "y"]})).columns.tolist() == ["a_x", "a_OTHER"]


def test_refit_forgets_the_first_frame():
    factory = default().fit(mixed_frame()).fit(pd.DataFrame({"z": [1.0, 3.0]}))
    assert factory.transform(pd.DataFrame({"z": [3.0]})).to_dict("list") == {"z": [1.0]}
    assert factory.feature_names_in_.tolist() == ["z"]
    assert factory.n_features_in_ == 1


def test_pickle_before_and_after_fit():
    frame = mixed_frame()
    fitted = pickle.loads(pickle.dumps(default())).fit(frame)
    assert_frame_equal(pickle.loads(pickle.dumps(fitted)).transform(frame), default().fit_transform(frame))


def test_jsonpickle_of_an_unfitted_factory():
    factory = default().on_rich_category(50, CategoricalTransformer).on_columns(["whole"], DatetimeTransformer)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    text = jsonpickle.encode(factory, keys=True)
    json.loads(text, parse_constant=refuse)
    restored = jsonpickle.decode(jsonpickle.encode(default(), keys=True), keys=True)
    assert_frame_equal(restored.fit_transform(mixed_frame()), default().fit_transform(mixed_frame()))


def test_column_names_that_are_not_text():
    frame = pd.DataFrame([[1.0, "x"], [3.0, "y"]], columns=[0, ("k", 1)]).astype({0: "float64"})
    frame.columns = pd.Index([0, ("k", 1)], tupleize_cols=False)
    result = default().fit_transform(frame)
    assert result.columns.tolist() == ["0", "('k', 1)_x", "('k', 1)_y"]


def test_in_a_pipeline_with_names():
    frame = mixed_frame()
    pipeline = Pipeline([("features", default()), ("scale", MinMaxScaler().set_output(transform="pandas"))])
    result = pipeline.fit_transform(frame, pd.Series([0, 1, 0], index=frame.index))
    assert result.columns.tolist() == pipeline.get_feature_names_out().tolist()
    assert result.index.tolist() == [30, 10, 10]


@pytest.mark.skipif(not TITANIC.exists(), reason="needs ../shared/data/titanic.csv beside the repository")
def test_titanic_scores_of_the_source_document():
    frame = pd.read_csv(TITANIC).set_index("PassengerId")
    frame = frame.astype(dict.fromkeys(["Pclass", "SibSp", "Parch", "Survived"], float))
    features = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    train, test = train_test_split(frame.index, test_size=0.3, random_state=0)
    pipeline = Pipeline(
        [
            ("features", default()),
            ("values", FunctionTransformer(pd.DataFrame.to_numpy)),
            ("model", LogisticRegression(max_iter=1000)),
        ]
    )
    pipeline.fit(frame.loc[train, features], frame.loc[train, "Survived"])

    def score(rows):
        probabilities = pipeline.predict_proba(frame.loc[rows, features])[:, 1]
        return roc_auc_score(frame.loc[rows, "Survived"], probabilities)

    assert score(test) == pytest.approx(0.8538095238095238, abs=1e-9)
    assert score(train) == pytest.approx(0.8600247283, abs=2e-4)
