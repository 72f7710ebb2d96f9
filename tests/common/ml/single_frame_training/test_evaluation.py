import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.single_frame_training import Evaluation

BINARY, MULTICLASS, REGRESSION = (
    Evaluation.binary_classification,
    Evaluation.multiclass_classification,
    Evaluation.regression,
)


class ColumnClassifier(ClassifierMixin, BaseEstimator):
    """Predicts the first feature, and as one column, as some libraries do."""

    def predict(self, X):
        return X.iloc[:, :1].to_numpy()


@pytest.fixture
def features():
    return pd.DataFrame({"a": [0.0, 0.0, 0.0, 1.0, 1.0]}, index=["v", "w", "w", "x", "y"])


def objects(*values):
    return np.array(values, dtype=object)


# --- binary classification


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 0, 1, 1, 1]),
        np.array([1, 1, 2, 2, 2]),
        np.array([-1.0, -1.0, 1.0, 1.0, 1.0]),
        np.array([False, False, True, True, True]),
        objects("no", "no", "yes", "yes", "yes"),
        objects("dead", "dead", "saved", "saved", "saved"),
    ],
)
def test_binary_score_is_of_the_greater_class(features, labels):
    model = DecisionTreeClassifier().fit(features, labels)
    result = BINARY.evaluate(model, features, labels)
    assert list(result.columns) == ["predicted", "true"]
    assert result.index.tolist() == ["v", "w", "w", "x", "y"]
    assert result["true"].tolist() == [0.0, 0.0, 1.0, 1.0, 1.0]
    # of the three rows with a=0, one has the greater class
    assert result["predicted"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0, 1.0])
    assert result.dtypes.tolist() == [np.dtype(float)] * 2


def test_binary_score_may_be_a_decision_function(features):
    labels = objects("no", "no", "no", "yes", "yes")
    model = make_pipeline(StandardScaler(), LinearSVC()).fit(features, labels)
    result = BINARY.evaluate(model, features, labels)
    assert result["predicted"].tolist() == model.decision_function(features).tolist()
    assert (result["predicted"] > 0).tolist() == [False, False, False, True, True]
    assert result["true"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_binary_labels_that_were_not_learned_are_not_of_the_greater_class(features):
    model = LogisticRegression().fit(features, [0, 0, 0, 1, 1])
    assert BINARY.evaluate(model, features, np.array([0, 1, 2, 1, 3]))["true"].tolist() == [0.0, 1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: make_pipeline(StandardScaler(), model)])
def test_binary_classification_takes_a_classifier(features, wrap):
    model = wrap(LinearRegression()).fit(features, [0, 0, 0, 1, 1])
    message = (
        "^the model LinearRegression has neither predict_proba nor decision_function, one of which a binary "
        "classification needs; use a classifier$"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        BINARY.evaluate(model, features, np.array([0, 0, 0, 1, 1]))


def test_binary_classification_takes_a_model_of_two_classes(features):
    model = DummyClassifier(strategy="prior").fit(features, [0, 1, 2, 1, 1])
    message = r"^the fitted model DummyClassifier has no two classes_; use a classifier$"
    with pytest.raises(TaskDefinitionError, match=message):
        BINARY.evaluate(model, features, np.array([0, 1, 2, 1, 1]))


# --- multiclass classification


def test_multiclass_gives_labels_and_a_probability_a_class(features):
    labels = objects("red", "red", "green", "blue", "blue")
    model = DecisionTreeClassifier().fit(features, labels)
    result = MULTICLASS.evaluate(model, features, labels)
    assert list(result.columns) == ["predicted", "true", "predicted_blue", "predicted_green", "predicted_red"]
    assert result.index.tolist() == ["v", "w", "w", "x", "y"]
    assert result["predicted"].tolist() == ["red", "red", "red", "blue", "blue"]
    assert result["true"].tolist() == ["red", "red", "green", "blue", "blue"]
    assert result["predicted_blue"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
    assert result["predicted_green"].tolist() == pytest.approx([1 / 3] * 3 + [0.0] * 2)
    assert result["predicted_red"].tolist() == pytest.approx([2 / 3] * 3 + [0.0] * 2)


def test_multiclass_numbers_stay_numbers(features):
    labels = np.array([3, 3, 3, 7, 7])
    result = MULTICLASS.evaluate(DecisionTreeClassifier().fit(features, labels), features, labels)
    assert list(result.columns) == ["predicted", "true", "predicted_3", "predicted_7"]
    assert result[["predicted", "true"]].to_numpy().tolist() == [[3, 3]] * 3 + [[7, 7]] * 2


def test_multiclass_without_probabilities(features):
    labels = objects("a", "a", "a", "b", "b")
    result = MULTICLASS.evaluate(LinearSVC().fit(features, labels), features, labels)
    assert list(result.columns) == ["predicted", "true"]


def test_multiclass_predictions_may_be_one_column(features):
    result = MULTICLASS.evaluate(ColumnClassifier(), features, np.array([0, 0, 0, 1, 0]))
    assert result["predicted"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


# --- regression


def test_regression_gives_numbers(features):
    labels = np.array([1, 2, 3, 10, 20])
    result = REGRESSION.evaluate(DecisionTreeRegressor().fit(features, labels), features, labels)
    assert list(result.columns) == ["predicted", "true"]
    assert result.index.tolist() == ["v", "w", "w", "x", "y"]
    assert result["predicted"].tolist() == [2.0, 2.0, 2.0, 15.0, 15.0]
    assert result["true"].tolist() == [1.0, 2.0, 3.0, 10.0, 20.0]
    assert result.dtypes.tolist() == [np.dtype(float)] * 2


def test_regression_predictions_may_be_one_column(features):
    labels = np.array([[0.0], [0.0], [0.0], [1.0], [1.0]])
    result = REGRESSION.evaluate(LinearRegression().fit(features, labels), features, labels.ravel())
    assert result["predicted"].tolist() == pytest.approx([0.0, 0.0, 0.0, 1.0, 1.0])


def test_regression_of_truth_values(features):
    labels = np.array([False, False, False, True, True])
    result = REGRESSION.evaluate(DecisionTreeRegressor().fit(features, labels), features, labels)
    assert result["true"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


# --- labels


@pytest.mark.parametrize("evaluator", [BINARY, MULTICLASS])
@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (np.array([1.0, 1.0]), "1.0"),
        (np.array([0, 0]), "0"),
        (np.array([True, True]), "True"),
        (objects("a", "a"), "'a'"),
    ],
)
def test_a_classification_needs_two_classes(evaluator, labels, shown):
    message = (
        rf"^label column 'y' has the same value, {shown}, in all 2 rows to learn from; a classification needs two "
    )
    with pytest.raises(DatasetError, match=message):
        evaluator.check_labels(labels, "y")


@pytest.mark.parametrize(
    ("labels", "shown"),
    [(np.array([1.0, 2.0, 0.0]), "1.0, 2.0, 0.0"), (objects("a", "c", "b"), "'a', 'c', 'b'")],
)
def test_a_binary_classification_takes_two_classes(labels, shown):
    message = (
        rf"^label column 'y' has 3 classes \({shown}\); a binary classification takes two, use "
        r"Evaluation.multiclass_classification$"
    )
    with pytest.raises(DatasetError, match=message):
        BINARY.check_labels(labels, "y")
    MULTICLASS.check_labels(labels, "y")


def test_of_many_classes_some_are_shown():
    with pytest.raises(DatasetError, match=r"has 50 classes \(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …\); a binary"):
        BINARY.check_labels(np.arange(50), "y")


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([1.0, 2.0]), np.array([False, True]), objects("a", "b")])
def test_two_classes_of_any_kind_are_fine(labels):
    BINARY.check_labels(labels, "y")
    MULTICLASS.check_labels(labels, "y")


@pytest.mark.parametrize("evaluator", [BINARY, MULTICLASS, REGRESSION])
@pytest.mark.parametrize(
    ("label", "shown"), [(pd.Timestamp("2024-01-01"), "Timestamp"), (pd.Timedelta(1), "Timedelta")]
)
def test_times_are_no_labels(evaluator, label, shown):
    with pytest.raises(DatasetError, match=rf"^label column 'y' holds {shown} values, such as .* takes "):
        evaluator.check_labels(objects(label, label), "y")


def test_a_regression_takes_numbers():
    message = r"^label column 'y' holds str values, such as 'high'; a regression takes numbers$"
    with pytest.raises(DatasetError, match=message):
        REGRESSION.check_labels(objects("high", "low"), "y")
    REGRESSION.check_labels(np.array([5, 5]), "y")
    REGRESSION.check_labels(np.array([True, False]), "y")
