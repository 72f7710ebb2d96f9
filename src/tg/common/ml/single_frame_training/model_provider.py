"""Builds the untrained model of one run: transformer, conversion, model."""

import copy
from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone

from ...errors import TaskDefinitionError
from .feature_names import FeatureNames
from .input_columns import InputColumns
from .learners import find_learner
from .native_categories import NativeCategories
from .plain_array import PlainArray, PlainNumbers
from .training_pipeline import TrainingPipeline

CATEGORICAL_CHOICES = ("native",)


class ModelProvider:
    """Builds a fresh :class:`TrainingPipeline` for each run.

    XGBoost, LightGBM and CatBoost get features by names that they accept; these, Keras and skorch learn classes
    numbered from 0, and the pipeline predicts the labels; Keras and skorch get arrays of 32-bit floats. Categorical
    columns that no transformer has changed are passed natively to XGBoost, LightGBM, CatBoost and HistGradientBoosting;
    a category that is new to the model is missing, except for CatBoost, which handles new ones.

    Args:
        constructor: Makes the model itself; a :class:`ModelConstructor` or any callable without arguments.
        transformer: Comes before the model; it is copied for each run, so the runs do not share what they fitted.
        model_fix: Called with the model; may change it, or return a replacement.
        keep_column_names: Whether the model gets a data frame. Otherwise it gets a plain array of shape ``(n_rows,
            n_columns)``.
        encode_labels: Whether the model learns the labels as numbers from 0; by default where its library is known to
            want that.
        categorical: ``"native"`` also passes text columns to the model as categories; by default, these need a
            transformer.
    """

    def __init__(
        self,
        constructor: Callable[[], Any],
        transformer: Any = None,
        model_fix: Callable[[Any], Any] | None = None,
        keep_column_names: bool = True,
        encode_labels: bool | None = None,
        categorical: str | None = None,
    ) -> None:
        self.constructor = constructor
        self.transformer = transformer
        self.model_fix = model_fix
        self.keep_column_names = keep_column_names
        self.encode_labels = encode_labels
        self.categorical = categorical
        self._check()

    def _check(self) -> None:
        if self.categorical is not None and self.categorical not in CATEGORICAL_CHOICES:
            raise TaskDefinitionError(f"categorical is {self.categorical!r}; give 'native', or leave it out")
        if self.encode_labels not in (None, True, False):
            raise TaskDefinitionError(f"encode_labels is {self.encode_labels!r}; give True or False, or leave it out")

    def get_model(self) -> TrainingPipeline:
        """Builds an unfitted pipeline.

        Its steps are ``columns``, ``transformer`` (if any), ``to_array`` (if asked, or if the library wants it) or else
        ``categories``, ``numbers`` and ``feature_names`` (if the library wants them), and ``model``. ``columns``, an
        :class:`InputColumns`, changes nothing in the training; it reads what a served model is given.

        Raises:
            TaskDefinitionError: If the model cannot be made or cannot be fitted.
        """
        model = self.constructor()
        if self.model_fix is not None:
            fixed = self.model_fix(model)
            model = model if fixed is None else fixed
        if not hasattr(model, "fit") or not _can_predict(model):
            raise TaskDefinitionError(
                f"the model, a {type(model).__name__}, has no fit and predict; give a class that has both"
            )
        if not _has_tags(model):
            raise TaskDefinitionError(
                f"the model, a {type(model).__name__}, does not derive from sklearn.base.BaseEstimator, which a "
                "scikit-learn pipeline needs; add it as the last base class"
            )
        steps: list[tuple[str, Any]] = [("columns", InputColumns())]
        if self.transformer is not None:
            is_estimator = hasattr(self.transformer, "get_params")
            steps.append(("transformer", clone(self.transformer) if is_estimator else copy.deepcopy(self.transformer)))
        steps += self._build_last_steps(model)
        steps.append(("model", model))
        return TrainingPipeline(steps, encode_labels=self.encode_labels)

    def _build_last_steps(self, model: Any) -> list[tuple[str, Any]]:
        """Returns the steps that convert features to the form that the model's library wants."""
        self._check()  # again, as hyperparameters may have changed it
        learner = find_learner(model)
        if self.categorical is not None and (learner.categories is None or not self.keep_column_names):
            why = f"{type(model).__name__} takes none" if self.keep_column_names else "keep_column_names is False"
            raise TaskDefinitionError(
                f"categorical is {self.categorical!r}, but {why}; give a transformer, or use XGBoost, LightGBM, "
                "CatBoost or HistGradientBoosting on named columns"
            )
        if learner.takes_arrays:
            return [("to_array", PlainArray("float32"))]
        if not self.keep_column_names:
            return [("to_array", PlainArray())]
        steps: list[tuple[str, Any]] = []
        if learner.categories is not None:
            categories = NativeCategories(learner.categories == "text", self.categorical == "native")
            steps.append(("categories", categories))
        if not learner.takes_nullable:
            steps.append(("numbers", PlainNumbers()))
        if learner.renames:
            steps.append(("feature_names", FeatureNames(learner.refused_characters)))
        return steps


def _can_predict(model: Any) -> bool:
    """Returns whether it has ``predict``, or will have it once fitted, as a stack with its default final model."""
    is_predictor = isinstance(model, (ClassifierMixin, RegressorMixin))
    return hasattr(model, "predict") or (is_predictor and hasattr(type(model), "predict"))


def _has_tags(model: Any) -> bool:
    """Returns whether a pipeline can predict with ``model``: from scikit-learn 1.6 on, this needs its tags."""
    if not hasattr(BaseEstimator, "__sklearn_tags__"):
        return True
    try:
        model.__sklearn_tags__()
    except AttributeError:
        return False
    return True
