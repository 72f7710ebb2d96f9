"""Draws the errors of a regression, with scikit-learn's display."""

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import PredictionErrorDisplay

from tg_mlflow.figures.row_sample import sample_rows


def draw_predicted_against_true(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns ``true`` and ``predicted``, at most 1,000 rows."""
    sample = sample_rows(rows[["true", "predicted"]])
    _draw(figure, sample, "actual_vs_predicted")
    return sample


def draw_residuals(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns ``predicted`` and ``residual``, the truth less the prediction, at most 1,000 rows."""
    sample = sample_rows(rows[["true", "predicted"]])
    _draw(figure, sample, "residual_vs_predicted")
    return pd.DataFrame({"predicted": sample["predicted"], "residual": sample["true"] - sample["predicted"]})


def _draw(figure: Figure, sample: pd.DataFrame, kind: str) -> None:
    display = PredictionErrorDisplay(y_true=sample["true"].to_numpy(), y_pred=sample["predicted"].to_numpy())
    display.plot(ax=figure.subplots(), kind=kind, scatter_kwargs={"s": 12, "alpha": 0.6})
