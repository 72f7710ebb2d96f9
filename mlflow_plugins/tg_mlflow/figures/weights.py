"""Draws a fitted model's weights of its features: importances or coefficients."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC

from tg.common.ml.single_frame_training import FeatureNames
from tg_mlflow.figures.labels import as_label

MOST_BARS = 30

# The attributes of scikit-learn's searches and label transformer that hold the fitted model.
_FITTED_INSIDE = ("best_estimator_", "regressor_")


@dataclass(frozen=True)
class Weights:
    """A fitted model's weights.

    Attributes:
        name: ``feature_importances`` or ``coefficients``.
        frame: A row for each feature that the model is given, with its name in the column ``feature``; the other
            columns are weights, one, or one for each class or pair of classes.
    """

    name: str
    frame: pd.DataFrame


def find_weights(model: Any) -> Weights | None:
    """Finds weights in a fitted model, in the last step of a pipeline, or in the best model of a search.

    Returns:
        ``None`` for a model that has none.
    """
    names = _name_inputs(model)
    last, names = _find_last(model, names)
    importances = getattr(last, "feature_importances_", None)
    if importances is not None:
        values = np.asarray(importances)
        frame = pd.DataFrame({"feature": _fit_names(names, model, len(values)), "importance": values})
        return Weights("feature_importances", frame)
    found = getattr(last, "coef_", None)
    if found is None:
        return None
    table = np.atleast_2d(found.toarray() if hasattr(found, "toarray") else np.asarray(found))
    feature = _fit_names(names, model, table.shape[1])
    weights = dict(zip(_name_coefficients(last, len(table)), table, strict=True))
    return Weights("coefficients", pd.DataFrame({"feature": feature, **weights}))


def draw_weights(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Draws the largest weights, or the mean of their sizes if a feature has several; returns all of them."""
    weights = rows.drop(columns="feature")
    shown = weights.iloc[:, 0] if weights.shape[1] == 1 else weights.abs().mean(axis="columns")
    greatest = shown.abs().nlargest(MOST_BARS).index[::-1]
    figure.set_figheight(max(2.4, 1.2 + 0.22 * len(greatest)))
    axes = figure.subplots()
    axes.barh(np.arange(len(greatest)), shown[greatest].to_numpy())
    axes.set_yticks(np.arange(len(greatest)), labels=[as_label(name) for name in rows["feature"][greatest]])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(weights.columns[0] if weights.shape[1] == 1 else "mean absolute coefficient")
    return rows


def _find_last(model: Any, names: list[str]) -> tuple[Any, list[str]]:
    """Returns the model at the end of pipelines and searches, and the names of its input columns, if known."""
    if isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            names = _name_outputs(step, names)
        return _find_last(model.steps[-1][1], names)
    inner = next((getattr(model, name) for name in _FITTED_INSIDE if hasattr(model, name)), None)
    return (model, names) if inner is None else _find_last(inner, names)


def _name_inputs(model: Any) -> list[str]:
    return [str(name) for name in getattr(model, "feature_names_in_", ())]


def _name_outputs(step: Any, names: list[str]) -> list[str]:
    """Returns the names of a step's output columns; a step without names is assumed to keep them.

    Names that were made for the model's library are replaced by the original ones, which people know.
    """
    if isinstance(step, FeatureNames):
        return names if step.original_names_ is None else [str(name) for name in step.original_names_]
    if not hasattr(step, "get_feature_names_out"):
        return names
    try:
        found = step.get_feature_names_out(np.asarray(names, dtype=object) if names else None)
    except (TypeError, ValueError):  # it takes no names, or not these
        found = step.get_feature_names_out()
    return names if found is None else [str(name) for name in found]


def _fit_names(names: list[str], model: Any, count: int) -> list[str]:
    """Returns the names if there are as many as columns; else those of the table, or numbers."""
    for known in (names, _name_inputs(model)):
        if len(known) == count:
            return known
    return [f"feature_{number}" for number in range(count)]


def _name_coefficients(model: Any, count: int) -> list[str]:
    if count == 1:
        return ["coefficient"]
    classes = list(getattr(model, "classes_", ()))
    if isinstance(model, (SVC, NuSVC)):  # these separate each pair of classes
        return [f"coefficient_{one}_{other}" for one, other in combinations(classes, 2)]
    return [f"coefficient_{each}" for each in (classes if len(classes) == count else range(count))]
