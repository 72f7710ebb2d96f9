"""The contract of a library: how its models are fitted. The defaults are scikit-learn's."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from ....errors import TaskDefinitionError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rows:
    """Rows to train or validate on.

    Attributes:
        features: A frame or an array of ``n_rows`` rows.
        labels: Of shape ``(n_rows,)``.
        weights: Of shape ``(n_rows,)``, at least 0; ``None`` if all rows count the same.
        groups: Of shape ``(n_rows,)``, the number of each row's group, in ascending order; for rankings.
    """

    features: Any
    labels: Array
    weights: Array | None = None
    groups: Array | None = None

    @property
    def group_sizes(self) -> Array | None:
        """How many rows each group has, in their order."""
        return None if self.groups is None else np.unique(self.groups, return_counts=True)[1]


@dataclass(frozen=True)
class HeldOut:
    """Rows that a model is measured on after each of its iterations.

    Attributes:
        rows: The rows as the model gets them.
        rounds: The fit ends after so many iterations in a row that were no better; ``None`` to go on to the end.
        report: Takes the metric's name, its value and the iteration, from 0.
    """

    rows: Rows
    rounds: int | None
    report: Callable[[str, float, int], None]


class Learner:
    """How the models of a library are fitted.

    Attributes:
        library: The top-level module of its classes.
        refused_characters: What no feature's name may contain.
        renames: Whether features have to have names of text that are unique and none of these characters.
        categories: How it accepts categories: ``"dtype"``, as columns of this dtype, ``"text"``, as such columns of
            text without missing values, or ``None`` if not at all.
        takes_nullable: Whether it accepts pandas' nullable numbers and booleans.
        codes_labels: Whether its classifiers want the classes to be 0, 1, ….
        takes_arrays: Whether it gets an array of 32-bit floats in place of a frame.
        takes_validation: Whether its models can be validated on held-out rows after each iteration.
    """

    library: str = "sklearn"
    refused_characters: str = ""
    renames: bool = False
    categories: str | None = None
    takes_nullable: bool = True
    codes_labels: bool = False
    takes_arrays: bool = False
    takes_validation: bool = False

    def matches(self, model: Any) -> bool:
        """Returns whether the model's class, or one of its bases, is this library's."""
        return any(each.__module__.partition(".")[0] == self.library for each in type(model).__mro__)

    def wants_codes(self, model: Any) -> bool:
        """Returns whether this model wants labels that are 0, 1, …."""
        return self.codes_labels and is_model_classifier(model)

    def prepare_model(self, model: Any, features: Any) -> None:
        """Sets the options that the model needs for such features."""

    def prepare_labels(self, model: Any, labels: Array) -> Array:
        """Converts labels to the type and shape that the library wants."""
        return labels

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        """Fits a model.

        Args:
            model: One that `matches`.
            rows: To learn from; labels are prepared.
            held_out: To watch; only if `takes_validation`.
            arguments: Further ones for the model's ``fit``.

        Returns:
            The iteration, from 0, that the model is left at, if it was stopped early and can say so.

        Raises:
            TaskDefinitionError: If the model does not take weights or groups, and there are some.
        """
        self.refuse_groups(model, rows)
        self.prepare_model(model, rows.features)
        model.fit(rows.features, rows.labels, **self.get_weight(model, rows), **arguments)
        return None

    def get_weight(self, model: Any, rows: Rows) -> dict[str, Any]:
        """Builds the argument of ``fit`` for the weights.

        Raises:
            TaskDefinitionError: If there are weights and no such argument.
        """
        return {} if rows.weights is None else {_name_weight(model): rows.weights}

    def refuse_groups(self, model: Any, rows: Rows) -> None:
        """Raises a TaskDefinitionError if there are groups."""
        if rows.groups is not None:
            raise TaskDefinitionError(
                f"the model {type(model).__name__} does not learn from groups; drop group_column, or use XGBRanker, "
                "LGBMRanker or CatBoostRanker"
            )


def is_model_classifier(model: Any) -> bool:
    """Returns whether a model is a classifier, as far as scikit-learn or the model itself can tell."""
    try:
        return bool(is_classifier(model))
    except AttributeError:  # it has no tags
        return getattr(model, "_estimator_type", None) == "classifier"


def takes_argument(method: Callable[..., Any], name: str) -> bool:
    """Returns whether a method has an argument of this name, or takes any."""
    parameters = inspect.signature(method).parameters
    return name in parameters or any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())


def is_called(model: Any, name: str) -> bool:
    """Returns whether ``name`` is the name of the model's class or of one of its bases."""
    return any(each.__name__ == name for each in type(model).__mro__)


def has_categories(features: Any) -> bool:
    """Returns whether ``features`` is a frame with categorical columns."""
    return bool(list_categories(features))


def list_categories(features: Any) -> list[Any]:
    """Lists the names of a frame's categorical columns; none for an array."""
    if not isinstance(features, pd.DataFrame):
        return []
    return [name for name, dtype in features.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]


def _name_weight(model: Any) -> str:
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{_name_weight(last)}"
    if not takes_argument(model.fit, "sample_weight"):
        raise TaskDefinitionError(
            f"the model {type(model).__name__} takes no sample_weight in fit; drop weight_column, or use another model"
        )
    return "sample_weight"
