"""A model's predictions as one frame, with a row per prediction."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ...errors import DatasetError, TaskDefinitionError, listed


class Evaluator(ABC):
    """Turns a fitted model and rows into predictions."""

    @abstractmethod
    def check_labels(self, labels: "np.ndarray[Any, Any]", label_column: str) -> None:
        """Checks the training's labels, of shape ``(n_rows,)``, before anything slow is done.

        Raises:
            DatasetError: If no such model can be learned from them.
        """

    @abstractmethod
    def evaluate(self, model: Any, features: pd.DataFrame, labels: "np.ndarray[Any, Any]") -> pd.DataFrame:
        """Predicts.

        Args:
            model: Fitted.
            features: The rows, ``n_rows`` of them.
            labels: The truth, of shape ``(n_rows,)``.

        Returns:
            A frame with the index of ``features`` and the columns ``predicted`` and ``true`` at least.
        """


class BinaryClassification(Evaluator):
    """Two classes. ``predicted`` is the score of the greater one, ``true`` is 1.0 for its rows and 0.0 for the others.

    The score is a probability if the model gives probabilities, else its decision function.
    """

    def check_labels(self, labels: "np.ndarray[Any, Any]", label_column: str) -> None:
        classes = _check_classes(labels, label_column)
        if len(classes) > 2:
            raise DatasetError(
                f"label column {label_column!r} has {len(classes)} classes ({listed(classes, most=10)}); a binary "
                "classification takes two, use Evaluation.multiclass_classification"
            )

    def evaluate(self, model: Any, features: pd.DataFrame, labels: "np.ndarray[Any, Any]") -> pd.DataFrame:
        if hasattr(model, "predict_proba"):
            score = np.asarray(model.predict_proba(features))[:, 1]
        elif hasattr(model, "decision_function"):
            score = np.asarray(model.decision_function(features))
            if score.ndim == 2:  # Keras returns a column for each class
                score = score[:, -1]
        else:
            raise TaskDefinitionError(
                f"the model {_name(model)} has neither predict_proba nor decision_function, one of which a binary "
                "classification needs; use a classifier"
            )
        classes = getattr(model, "classes_", None)
        if classes is None or len(classes) != 2:
            raise TaskDefinitionError(f"the fitted model {_name(model)} has no two classes_; use a classifier")
        truth = np.asarray(labels == classes[1], dtype=float)
        return pd.DataFrame({"predicted": score, "true": truth}, index=features.index)


class MulticlassClassification(Evaluator):
    """Any number of classes. ``predicted`` and ``true`` are labels; ``predicted_<class>`` are probabilities, if any."""

    def check_labels(self, labels: "np.ndarray[Any, Any]", label_column: str) -> None:
        _check_classes(labels, label_column)

    def evaluate(self, model: Any, features: pd.DataFrame, labels: "np.ndarray[Any, Any]") -> pd.DataFrame:
        predicted = np.asarray(model.predict(features)).reshape(len(features))  # some models return one column
        columns: dict[str, Any] = {"predicted": predicted, "true": labels}
        if hasattr(model, "predict_proba"):
            probabilities = np.asarray(model.predict_proba(features)).T
            columns |= {f"predicted_{name}": each for name, each in zip(model.classes_, probabilities, strict=True)}
        return pd.DataFrame(columns, index=features.index)


class Regression(Evaluator):
    """A number. ``predicted`` and ``true`` are numbers."""

    def check_labels(self, labels: "np.ndarray[Any, Any]", label_column: str) -> None:
        if labels.dtype == object:
            raise DatasetError(
                f"label column {label_column!r} holds {type(labels[0]).__name__} values, such as {labels[0]!r}; "
                "a regression takes numbers"
            )

    def evaluate(self, model: Any, features: pd.DataFrame, labels: "np.ndarray[Any, Any]") -> pd.DataFrame:
        predicted = np.asarray(model.predict(features), dtype=float).reshape(len(features))
        return pd.DataFrame({"predicted": predicted, "true": labels.astype(float)}, index=features.index)


class Evaluation:
    """The evaluators to choose from."""

    binary_classification: ClassVar[Evaluator] = BinaryClassification()
    multiclass_classification: ClassVar[Evaluator] = MulticlassClassification()
    regression: ClassVar[Evaluator] = Regression()


CLASSIFICATIONS = (BinaryClassification, MulticlassClassification)


def evaluate_stages(
    evaluator: Evaluator, model: Any, stages: "Mapping[str, tuple[pd.DataFrame, np.ndarray[Any, Any]]]"
) -> pd.DataFrame:
    """Predicts the rows of each stage, given as their features and labels.

    Returns:
        What :meth:`Evaluator.evaluate` returns for each, one after the other, with the column ``stage``.
    """
    parts = [evaluator.evaluate(model, *rows).assign(stage=stage) for stage, rows in stages.items()]
    return pd.concat(parts)


def _name(model: Any) -> str:
    return type(model.steps[-1][1] if isinstance(model, Pipeline) else model).__name__


def _check_classes(labels: "np.ndarray[Any, Any]", label_column: str) -> list[Any]:
    times = (datetime.date, datetime.timedelta)
    if (
        labels.dtype == object
        and (moment := next((each for each in labels if isinstance(each, times)), None)) is not None
    ):
        raise DatasetError(
            f"label column {label_column!r} holds {type(moment).__name__} values, such as {str(moment)!r}; a "
            "classification takes text, numbers or booleans: cast it"
        )
    classes = pd.Series(labels).unique().tolist()
    if len(classes) < 2:
        raise DatasetError(
            f"label column {label_column!r} has the same value, {classes[0]!r}, in all {len(labels)} rows to learn "
            "from; a classification needs two classes"
        )
    return classes
