"""Draws the quality of a classification, with scikit-learn's displays."""

from collections.abc import Sequence
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

from tg_mlflow.figures.labels import as_label

_MOST_POINTS = 1000
_MOST_BINS = 10
# With more classes, a confusion matrix has neither numbers nor names, as it would be larger than a screen.
_MOST_LEGIBLE_CLASSES = 30
_LONG_LABEL = 5
# Inches: of a cell with a number, of a letter of a label, and of the margin of a confusion matrix.
_CELL, _LETTER, _AROUND = 0.42, 0.09, 1.6
_LEAST_SIDE = 4.5


def are_probabilities(scores: "pd.Series[Any]") -> bool:
    """Returns whether all scores are between 0 and 1."""
    return bool(scores.between(0, 1).all())


def draw_roc_curve(figure: Figure, rows: pd.DataFrame, classes: Sequence[Any]) -> pd.DataFrame:
    """Returns the columns ``fpr``, ``tpr`` and ``threshold``, at most 1,000 points of the curve."""
    truth = _two_classes(rows)
    fpr, tpr, thresholds = roc_curve(truth, rows["predicted"])
    curve = _thin(pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": thresholds}))
    display = RocCurveDisplay(
        fpr=curve["fpr"], tpr=curve["tpr"], roc_auc=auc(fpr, tpr), pos_label=_as_positive_label(classes)
    )
    display.plot(ax=figure.subplots(), plot_chance_level=True)
    return curve


def draw_precision_recall_curve(figure: Figure, rows: pd.DataFrame, classes: Sequence[Any]) -> pd.DataFrame:
    """Returns the columns ``precision``, ``recall`` and ``threshold``, at most 1,000 points of the curve.

    The last point, where nothing is predicted to be of the class, has no threshold.
    """
    truth = _two_classes(rows)
    precision, recall, thresholds = precision_recall_curve(truth, rows["predicted"])
    curve = _thin(pd.DataFrame({"precision": precision, "recall": recall, "threshold": np.append(thresholds, np.nan)}))
    axes = figure.subplots()
    PrecisionRecallDisplay(
        precision=curve["precision"],
        recall=curve["recall"],
        average_precision=average_precision_score(truth, rows["predicted"]),
        pos_label=_as_positive_label(classes),
        prevalence_pos_label=truth.mean(),
    ).plot(ax=axes, plot_chance_level=True)
    axes.legend(loc="best")  # in scikit-learn's corner it covers the curve where the class is rare
    return curve


def draw_thresholded_confusion_matrix(figure: Figure, rows: pd.DataFrame, classes: Sequence[Any]) -> pd.DataFrame:
    """Predicts the second class from a threshold on: 0.5 for probabilities, else 0, as for decision functions.

    Returns:
        As :func:`draw_confusion_matrix` does, for both classes, also where one is missing.
    """
    threshold = 0.5 if are_probabilities(rows["predicted"]) else 0.0
    counts = confusion_matrix(rows["true"].astype(int), (rows["predicted"] >= threshold).astype(int), labels=[0, 1])
    return _draw_counts(figure, counts, classes)


def draw_confusion_matrix(figure: Figure, rows: pd.DataFrame, classes: Sequence[Any]) -> pd.DataFrame:
    """Draws the classes that a model knows, and any others in the rows.

    Returns:
        A row for each true class, which is in the first column, ``true``, and a column for each predicted one.
    """
    # Codes in place of labels, as sorting a million rows of text several times is slow.
    present = [np.asarray(rows[name].unique()) for name in ("true", "predicted")]
    labels = np.unique(np.concatenate([*present, np.asarray(classes, dtype=present[0].dtype)]))
    true, predicted = (pd.Index(labels).get_indexer(rows[name]) for name in ("true", "predicted"))
    return _draw_counts(figure, confusion_matrix(true, predicted, labels=range(len(labels))), list(labels))


def _draw_counts(figure: Figure, counts: Any, classes: Sequence[Any]) -> pd.DataFrame:
    is_legible = len(classes) <= _MOST_LEGIBLE_CLASSES
    labels = [as_label(each) for each in classes] if is_legible else [""] * len(classes)
    longest = max(map(len, labels))
    side = max(_LEAST_SIDE, _AROUND + _CELL * len(classes) + _LETTER * longest) if is_legible else _LEAST_SIDE
    figure.set_size_inches(max(6, side), side)
    axes = figure.subplots()
    ConfusionMatrixDisplay(counts, display_labels=labels).plot(
        ax=axes,
        cmap="Blues",
        include_values=is_legible,
        colorbar=not is_legible,
        xticks_rotation="horizontal" if longest < _LONG_LABEL else "vertical",
        im_kw={"vmin": 0},  # a number in the only cell would be white on white
        text_kw={"fontsize": 10 if len(classes) <= 10 else 8},
    )
    if not is_legible:
        axes.set(xticks=[], yticks=[], xlabel=f"Predicted label ({len(classes)} classes)")
    table = pd.DataFrame(counts, columns=[str(each) for each in classes])
    table.insert(0, "true", list(classes), allow_duplicates=True)  # a class may have this name
    return table


def draw_calibration_curve(figure: Figure, rows: pd.DataFrame, classes: Sequence[Any]) -> pd.DataFrame:
    """Returns the columns ``predicted`` and ``true``: the mean probability and the share of the class in each bin."""
    truth = _two_classes(rows)
    true, predicted = calibration_curve(truth, rows["predicted"], n_bins=_MOST_BINS)
    display = CalibrationDisplay(true, predicted, rows["predicted"].to_numpy(), pos_label=_as_positive_label(classes))
    display.plot(ax=figure.subplots(), name="Model")
    return pd.DataFrame({"predicted": predicted, "true": true})


def _as_positive_label(classes: Sequence[Any]) -> str:
    return as_label(classes[1], longest=16)  # as the axis' title has more words


def _two_classes(rows: pd.DataFrame) -> "pd.Series[Any]":
    if rows["true"].nunique() < 2:
        raise ValueError(f"the {len(rows)} rows of the stage are all of one class")
    return rows["true"]


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    """Samples points at equal distances along the curve of the first two columns, and its ends.

    Of points at equal distances in the table, most would lie in a corner where one class is rare.
    """
    if len(curve) <= _MOST_POINTS:
        return curve
    steps = curve.iloc[:, :2].diff().abs().sum(axis="columns")
    travelled = steps.cumsum().to_numpy()
    chosen = np.searchsorted(travelled, np.linspace(0, travelled[-1], _MOST_POINTS))
    chosen[-1] = len(curve) - 1
    return curve.iloc[np.unique(chosen)]
