import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tg.common import TaskDefinitionError
from tg.common.ml.single_frame_training import ModelConstructor, ModelProvider
from tg.common.ml.single_frame_training.plain_array import PlainArray, PlainNumbers


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was given."""

    def fit(self, X, y):
        self.fitted_on_ = X
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.predicted_on_ = X
        return np.full(len(X), self.classes_[0])


class PlainTransformer:
    """A transformer that is no scikit-learn estimator: it can only be copied."""

    def __init__(self):
        self.seen = []

    def fit(self, X, y=None):
        self.seen.append(len(X))
        return self

    def transform(self, X):
        return X


@pytest.fixture
def frame():
    return pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 0.0, 1.0, 1.0]}, index=list("wxyz"))


def names(pipeline):
    return [name for name, _ in pipeline.steps]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["columns", "model"]),
        ({"transformer": StandardScaler()}, ["columns", "transformer", "model"]),
        ({"keep_column_names": False}, ["columns", "to_array", "model"]),
        (
            {"transformer": StandardScaler(), "keep_column_names": False},
            ["columns", "transformer", "to_array", "model"],
        ),
    ],
)
def test_steps(options, expected):
    pipeline = ModelProvider(ModelConstructor(LogisticRegression), **options).get_model()
    assert isinstance(pipeline, Pipeline)
    assert names(pipeline) == expected
    assert type(pipeline["model"]) is LogisticRegression


@pytest.mark.parametrize("transformer", [None, StandardScaler().set_output(transform="pandas"), PlainTransformer()])
@pytest.mark.parametrize("keep_column_names", [True, False])
def test_the_model_gets_a_frame_or_an_array(frame, transformer, keep_column_names):
    pipeline = ModelProvider(Recorder, transformer, keep_column_names=keep_column_names).get_model()
    pipeline.fit(frame, [0, 1, 0, 1])
    assert pipeline.predict(frame[:2]).tolist() == [0, 0]
    model = pipeline["model"]
    for data, shape in ((model.fitted_on_, (4, 2)), (model.predicted_on_, (2, 2))):
        assert data.shape == shape
        if keep_column_names:
            assert type(data) is pd.DataFrame
            assert list(data.columns) == ["a", "b"]
        else:
            assert type(data) is np.ndarray
            assert data.dtype == np.dtype(float)
    if keep_column_names:
        assert list(model.fitted_on_.index) == list("wxyz")


def test_a_model_on_arrays_warns_of_no_feature_names(frame, recwarn):
    pipeline = ModelProvider(LogisticRegression, StandardScaler(), keep_column_names=False).get_model()
    pipeline.fit(frame, [0, 1, 0, 1]).predict(frame)
    assert not recwarn.list
    assert not hasattr(pipeline["model"], "feature_names_in_")


def test_runs_do_not_share_an_estimator(frame):
    scaler = StandardScaler(with_std=False)
    provider = ModelProvider(Recorder, scaler)
    first, second = provider.get_model(), provider.get_model()
    first.fit(frame, [0, 1, 0, 1])
    assert first["transformer"].with_std is False
    assert first["transformer"].mean_.tolist() == [2.5, 0.5]
    assert not hasattr(second["transformer"], "mean_")
    assert not hasattr(scaler, "mean_")
    assert first["model"] is not second["model"]


def test_runs_do_not_share_a_transformer_of_another_kind(frame):
    transformer = PlainTransformer()
    provider = ModelProvider(Recorder, transformer)
    for _ in range(2):
        pipeline = provider.get_model()
        pipeline.fit(frame, [0, 1, 0, 1])
        assert pipeline["transformer"].seen == [4]
    assert transformer.seen == []


def test_model_fix_may_change_the_model():
    def soften(model):
        model.C = 0.01

    assert ModelProvider(LogisticRegression, model_fix=soften).get_model()["model"].C == 0.01


def test_model_fix_may_return_another_model():
    seen = []

    def replace(model):
        seen.append(type(model))
        return Recorder()

    pipeline = ModelProvider(ModelConstructor(LogisticRegression), model_fix=replace).get_model()
    assert type(pipeline["model"]) is Recorder
    assert seen == [LogisticRegression]


def test_a_false_model_is_a_model():
    class Empty(BaseEstimator, list):
        """A model that is false, as an ensemble without members is."""

        fit = predict = None

    assert type(ModelProvider(LogisticRegression, model_fix=lambda model: Empty()).get_model()["model"]) is Empty


@pytest.mark.parametrize(
    ("constructor", "kind"), [(dict, "dict"), (StandardScaler, "StandardScaler"), (lambda: "forest", "str")]
)
def test_a_model_has_fit_and_predict(constructor, kind):
    message = rf"^the model, a {kind}, has no fit and predict; give a class that has both$"
    with pytest.raises(TaskDefinitionError, match=message):
        ModelProvider(constructor).get_model()


def test_a_stack_can_predict_when_it_is_fitted():
    model = ModelProvider(lambda: StackingRegressor([("mean", DummyRegressor())], cv=2)).get_model()
    assert model.fit(np.zeros((4, 1)), [1.0, 2.0, 1.0, 2.0]).predict(np.zeros((1, 1))).tolist() == [1.5]


def test_nullable_numbers_are_floats_in_an_array():
    frame = pd.DataFrame({"b": pd.array([True, None], "boolean"), "i": pd.array([None, 2], "Int64"), "f": [0.5, 1.5]})
    made = PlainArray().fit_transform(frame)
    assert made.dtype == np.float64
    np.testing.assert_array_equal(made, [[1.0, np.nan, 0.5], [np.nan, 2.0, 1.5]])
    frame.index = [4, 4]
    floats = PlainNumbers().fit_transform(frame)
    assert floats.dtypes.tolist() == [np.float64] * 3
    assert floats.index.tolist() == [4, 4]
    assert floats.columns.tolist() == ["b", "i", "f"]


class OnlyMixin(ClassifierMixin):
    fit = predict = None


class Plain:
    fit = predict = None


@pytest.mark.skipif(not hasattr(BaseEstimator, "__sklearn_tags__"), reason="scikit-learn before 1.6 takes any class")
@pytest.mark.parametrize("model_type", [OnlyMixin, Plain])
def test_a_model_that_a_pipeline_would_refuse_after_training_is_refused_before(model_type):
    message = (
        rf"^the model, a {model_type.__name__}, does not derive from sklearn.base.BaseEstimator, which a scikit-learn "
        r"pipeline needs; add it as the last base class$"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        ModelProvider(model_type).get_model()


def test_errors_of_the_constructor_come_through():
    with pytest.raises(TaskDefinitionError, match="cannot be found"):
        ModelProvider(ModelConstructor("no_such_package:Model")).get_model()
