import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.learner_libraries import require
from tg.common import TaskDefinitionError
from tg.common.ml.single_frame_training import ModelProvider, TrainingPipeline

FRAME = pd.DataFrame({"x": np.arange(8.0), "z": [0.0, 1.0] * 4})
WORDS = np.array(["low"] * 4 + ["high"] * 4, dtype=object)


class Counting(ClassifierMixin, BaseEstimator):
    """Takes labels 0, 1, … only, and predicts one column, as some libraries do."""

    def fit(self, X, y, sample_weight=None):
        if sorted(set(y)) != list(range(len(set(y)))):
            raise ValueError(f"labels are {sorted(set(y))}")
        self.classes_, self.weight_ = np.unique(y), sample_weight
        return self

    def predict(self, X):
        return (X["x"].to_numpy() < 4).astype(float).reshape(-1, 1)


@pytest.mark.parametrize(
    "labels", [WORDS, np.arange(8) < 4, np.where(np.arange(8) < 4, 7, -1), np.where(np.arange(8) < 4, 2.0, 1.0)]
)
def test_labels_are_numbered_on_demand_and_predicted_as_they_were(labels):
    model = ModelProvider(Counting, encode_labels=True).get_model().fit(FRAME, labels)
    assert model.predict(FRAME).tolist() == labels.tolist()
    assert model.classes_.tolist() == sorted(set(labels.tolist()))
    assert model["model"].classes_.tolist() == [0, 1]
    assert model.score(FRAME, labels) == 1.0
    for same in (pickle.loads(pickle.dumps(model)), clone(model).fit(FRAME, labels)):
        assert same.predict(FRAME).tolist() == labels.tolist()


def test_a_learner_that_is_not_known_gets_labels_as_they_are():
    with pytest.raises(ValueError, match=r"^labels are \['high', 'low'\]$"):
        ModelProvider(Counting).get_model().fit(FRAME, WORDS)
    model = ModelProvider(LogisticRegression).get_model().fit(FRAME, WORDS)
    assert model.label_classes_ is None
    assert model.describe_changes() == []


def test_numbers_can_be_refused_to_a_library_that_wants_them():
    require("xgboost")
    from xgboost import XGBClassifier

    with pytest.raises(ValueError, match="Invalid classes"):
        ModelProvider(XGBClassifier, encode_labels=False).get_model().fit(FRAME, np.arange(8) % 2 + 1)


def test_what_was_numbered_is_said():
    model = ModelProvider(Counting, encode_labels=True).get_model().fit(FRAME, WORDS)
    assert model.describe_changes() == [
        "Counting learns the labels 'high', 'low' as numbers from 0; it predicts the labels"
    ]


def test_predictions_of_one_target_are_flat_and_of_several_are_not():
    targets = np.stack([np.arange(8.0), np.ones(8)], axis=1)
    assert ModelProvider(LinearRegression).get_model().fit(FRAME, targets).predict(FRAME).shape == (8, 2)
    assert ModelProvider(LinearRegression).get_model().fit(FRAME, targets[:, :1]).predict(FRAME).shape == (8,)


def test_arguments_of_fit_reach_the_model():
    weights = np.arange(8.0)
    model = ModelProvider(Counting, encode_labels=True).get_model().fit(FRAME, WORDS, model__sample_weight=weights)
    assert model["model"].weight_.tolist() == weights.tolist()
    with pytest.raises(TypeError, match=r"^fit got 'sample_weight'; "):
        model.fit(FRAME, WORDS, sample_weight=weights)


def test_a_part_of_it_is_a_pipeline_too():
    pipeline = ModelProvider(LinearRegression, StandardScaler()).get_model().fit(FRAME, FRAME["x"])
    part = pipeline[:-1]
    assert isinstance(part, TrainingPipeline)
    assert part.transform(FRAME).mean(axis=0).tolist() == pytest.approx([0.0, 0.0])


def test_encode_labels_is_true_or_false():
    with pytest.raises(TaskDefinitionError, match=r"^encode_labels is 'yes'; give True or False, or leave it out$"):
        ModelProvider(LinearRegression, encode_labels="yes")
