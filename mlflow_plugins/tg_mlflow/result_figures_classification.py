"""Draws how well a classification tells classes apart, with scikit-learn's own displays."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    auc,
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)

_MOST_POINTS = 1000
_MOST_BINS = 10
# With more, the numbers in a confusion matrix cover each other.
_MOST_LEGIBLE_CLASSES = 15
_LONG_LABEL = 5


def are_probabilities(scores: "pd.Series[Any]") -> bool:
    """Whether all scores are within 0 and 1."""
    return bool(scores.between(0, 1).all())


def draw_roc_curve(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns ``fpr``, ``tpr`` and ``threshold``, at most 1,000 points of the curve."""
    truth = _two_classes(rows)
    fpr, tpr, thresholds = roc_curve(truth, rows["predicted"])
    axes = figure.subplots()
    RocCurveDisplay(fpr=fpr, tpr=tpr, roc_auc=auc(fpr, tpr)).plot(ax=axes)
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
    return _thin(pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": thresholds}))


def draw_precision_recall_curve(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns ``precision``, ``recall`` and ``threshold``, at most 1,000 points of the curve.

    The last point, where nothing is predicted to be of the class, has no threshold.
    """
    truth = _two_classes(rows)
    precision, recall, thresholds = precision_recall_curve(truth, rows["predicted"])
    score = average_precision_score(truth, rows["predicted"])
    PrecisionRecallDisplay(precision=precision, recall=recall, average_precision=score).plot(ax=figure.subplots())
    return _thin(pd.DataFrame({"precision": precision, "recall": recall, "threshold": np.append(thresholds, np.nan)}))


def draw_thresholded_confusion_matrix(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Takes scores for the class 1 from a threshold on: 0.5 for probabilities, else 0, as decision functions have it.

    Returns:
        As :func:`draw_confusion_matrix` does.
    """
    threshold = 0.5 if are_probabilities(rows["predicted"]) else 0.0
    predicted = (rows["predicted"] >= threshold).astype(int)
    return draw_confusion_matrix(figure, pd.DataFrame({"true": rows["true"].astype(int), "predicted": predicted}))


def draw_confusion_matrix(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each true class, which is in the column ``true``, and a column for each predicted one."""
    labels = np.unique(np.concatenate([rows["true"].to_numpy(), rows["predicted"].to_numpy()]))
    counts = confusion_matrix(rows["true"].to_numpy(), rows["predicted"].to_numpy(), labels=labels)
    is_legible = len(labels) <= _MOST_LEGIBLE_CLASSES
    rotation = "horizontal" if max(len(str(label)) for label in labels) < _LONG_LABEL else "vertical"
    axes = figure.subplots()
    ConfusionMatrixDisplay(counts, display_labels=labels).plot(
        ax=axes, cmap="Blues", include_values=is_legible, colorbar=not is_legible, xticks_rotation=rotation
    )
    if not is_legible:
        axes.set(xticks=[], yticks=[])
    return pd.DataFrame({"true": labels, **{str(label): counts[:, i] for i, label in enumerate(labels)}})


def draw_calibration_curve(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns ``predicted`` and ``true``: the mean probability and the share of the class in each bin."""
    truth = _two_classes(rows)
    true, predicted = calibration_curve(truth, rows["predicted"], n_bins=_MOST_BINS)
    CalibrationDisplay(true, predicted, rows["predicted"].to_numpy()).plot(ax=figure.subplots())
    return pd.DataFrame({"predicted": predicted, "true": true})


def _two_classes(rows: pd.DataFrame) -> "pd.Series[Any]":
    if rows["true"].nunique() < 2:
        raise ValueError(f"the {len(rows)} rows of the stage are all of one class")
    return rows["true"]


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    """Takes points at equal distances, the first and the last among them."""
    if len(curve) <= _MOST_POINTS:
        return curve
    return curve.iloc[np.linspace(0, len(curve) - 1, _MOST_POINTS).round().astype(int)]
