"""Makes the untrained model of one run: transformer, conversion, model."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ...errors import TaskDefinitionError
from .input_columns import InputColumns


class ModelProvider:
    """Makes a fresh :class:`sklearn.pipeline.Pipeline` for each run.

    Args:
        constructor: Makes the model itself; a :class:`ModelConstructor` or any callable without arguments.
        transformer: Comes before the model; it is copied for each run, so the runs do not share what they fitted.
        model_fix: Called with the model; may change it, or return another to take its place.
        keep_column_names: Whether the model is given a data frame. Otherwise it is given a plain array of shape
            ``(n_rows, n_columns)``.
    """

    def __init__(
        self,
        constructor: Callable[[], Any],
        transformer: Any = None,
        model_fix: Callable[[Any], Any] | None = None,
        keep_column_names: bool = True,
    ) -> None:
        self.constructor = constructor
        self.transformer = transformer
        self.model_fix = model_fix
        self.keep_column_names = keep_column_names

    def get_model(self) -> Pipeline:
        """Makes an unfitted pipeline: the steps ``columns``, ``transformer`` and ``to_array`` (if asked), ``model``.

        ``columns``, an :class:`InputColumns`, changes nothing in the training; it reads what a served model is given.

        Raises:
            TaskDefinitionError: If the model cannot be made or cannot be fitted.
        """
        model = self.constructor()
        if self.model_fix is not None:
            fixed = self.model_fix(model)
            model = model if fixed is None else fixed
        if not hasattr(model, "fit") or not hasattr(model, "predict"):
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
        if not self.keep_column_names:
            steps.append(("to_array", FunctionTransformer(np.asarray)))
        steps.append(("model", model))
        return Pipeline(steps)


def _has_tags(model: Any) -> bool:
    """Whether a pipeline can predict with ``model``: from scikit-learn 1.6 on, it asks it for its tags first."""
    if not hasattr(BaseEstimator, "__sklearn_tags__"):
        return True
    try:
        model.__sklearn_tags__()
    except AttributeError:
        return False
    return True
