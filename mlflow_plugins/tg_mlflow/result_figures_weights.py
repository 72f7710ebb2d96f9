"""Draws what a fitted model makes of its features: importances or coefficients."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline

_MOST_BARS = 30


@dataclass(frozen=True)
class Weights:
    """A fitted model's weights.

    Attributes:
        name: ``feature_importances`` or ``coefficients``.
        frame: A row for each feature that the model is given, with its name in the column ``feature``; the other
            columns are weights, one, or one for each class.
    """

    name: str
    frame: pd.DataFrame


def find_weights(model: Any) -> Weights | None:
    """Looks for weights in the last step of a fitted pipeline, or in the model itself.

    Returns:
        ``None`` for a model that has none.
    """
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    importances = getattr(last, "feature_importances_", None)
    if importances is not None:
        names = _feature_names(model, len(importances))
        return Weights("feature_importances", pd.DataFrame({"feature": names, "importance": np.asarray(importances)}))
    found = getattr(last, "coef_", None)
    if found is None:
        return None
    table = np.atleast_2d(found.toarray() if hasattr(found, "toarray") else np.asarray(found))
    classes = getattr(last, "classes_", ())
    if len(table) == 1:
        columns = ["coefficient"]
    else:
        columns = [f"coefficient_{each}" for each in (classes if len(classes) == len(table) else range(len(table)))]
    names = _feature_names(model, table.shape[1])
    frame = pd.DataFrame({"feature": names, **dict(zip(columns, table, strict=True))})
    return Weights("coefficients", frame)


def draw_weights(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Draws the greatest weights; where a feature has several, the mean of their sizes. Returns all of them."""
    weights = rows.drop(columns="feature")
    shown = weights.iloc[:, 0] if weights.shape[1] == 1 else weights.abs().mean(axis="columns")
    greatest = shown.abs().nlargest(_MOST_BARS).index[::-1]
    figure.set_figheight(max(2.0, 0.8 + 0.22 * len(greatest)))
    axes = figure.subplots()
    axes.barh(np.arange(len(greatest)), shown[greatest].to_numpy())
    axes.set_yticks(np.arange(len(greatest)), labels=[_as_label(name) for name in rows["feature"][greatest]])
    axes.set_xlabel(weights.columns[0] if weights.shape[1] == 1 else "mean size of coefficient")
    return rows


def _as_label(name: str) -> str:
    # A dollar begins a formula for matplotlib, which not every name is.
    return (name if len(name) <= 40 else f"{name[:39]}…").replace("$", r"\$")


def _feature_names(model: Any, count: int) -> list[str]:
    """What the last step's columns are called, as far as the steps before it say; else they are numbered."""
    names: list[str] = []
    if isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            if hasattr(step, "get_feature_names_out"):
                names = [str(name) for name in step.get_feature_names_out()]
    if len(names) != count:
        names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    return names if len(names) == count else [f"feature_{number}" for number in range(count)]
