"""Draws what a training's models predict, each picture beside the data that it shows."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tg.common.delivery.sagemaker import ResultArchive
from tg.common.ml.single_frame_training.evaluation import (
    BinaryClassification,
    Evaluator,
    MulticlassClassification,
    Regression,
)
from tg_mlflow.result_figures_classification import (
    are_probabilities,
    draw_calibration_curve,
    draw_confusion_matrix,
    draw_precision_recall_curve,
    draw_roc_curve,
    draw_thresholded_confusion_matrix,
)
from tg_mlflow.result_figures_regression import draw_predicted_against_true, draw_residuals
from tg_mlflow.result_figures_weights import draw_weights, find_weights
from tg_mlflow.result_tables import MODEL, TRAINING_TASK, Attempt, read_result_df

# Draws the rows of a stage into an empty figure and returns the data that it shows.
Draw: TypeAlias = Callable[[Figure, pd.DataFrame], pd.DataFrame]

_BINARY: Mapping[str, Draw] = {
    "roc_curve": draw_roc_curve,
    "precision_recall_curve": draw_precision_recall_curve,
    "confusion_matrix": draw_thresholded_confusion_matrix,
}
_OF_PROBABILITIES: Mapping[str, Draw] = {"calibration_curve": draw_calibration_curve}
_MULTICLASS: Mapping[str, Draw] = {"confusion_matrix": draw_confusion_matrix}
_REGRESSION: Mapping[str, Draw] = {
    "predicted_against_true": draw_predicted_against_true,
    "residuals": draw_residuals,
}

_TRAIN = "train"
_RUN_FOLDER = re.compile(r"runs/(\d+)/")
_REFUSED_CHARACTERS = re.compile(r"[^\w.\-]")


def draw_figures(archive: ResultArchive, folder: Path, attempt: Attempt) -> None:
    """Writes ``<run>/<name>.png`` and ``<run>/<name>.csv`` below ``folder``, which is made if there is one to write.

    Each run's rows that were held out are drawn; where it has several stages of them, a stage's name stands behind the
    figure's, as in ``roc_curve_last_year``. An evaluator of the project's own, which may mean anything by its columns,
    gets the model's weights only.

    Args:
        archive: A training's on one table.
        folder: Where to.
        attempt: Opened around each figure.
    """
    runs = sorted({int(found[1]) for name in archive.list() if (found := _RUN_FOLDER.match(name))})
    evaluator = archive.unpickle(TRAINING_TASK.format(run=0)).evaluator
    for run in runs:
        with attempt(f"figures/{run}"):
            _draw_predictions(evaluator, read_result_df(archive, run), folder / str(run), run, attempt)
        with attempt(f"figures/{run}/weights"):
            weights = find_weights(archive.unpickle(MODEL.format(run=run)))
            if weights is not None:
                _write(folder / str(run) / weights.name, draw_weights, weights.frame)


def _draw_predictions(evaluator: Evaluator, result_df: pd.DataFrame, folder: Path, run: int, attempt: Attempt) -> None:
    tests = result_df[result_df["stage"] != _TRAIN]
    stages = list(tests.groupby("stage", sort=False, observed=True))
    for stage, rows in stages:
        suffix = "" if len(stages) == 1 else "_" + _REFUSED_CHARACTERS.sub("_", str(stage))
        for name, draw in _choose(evaluator, rows).items():
            with attempt(f"figures/{run}/{name}{suffix}"):
                _write(folder / f"{name}{suffix}", draw, rows)


def _choose(evaluator: Evaluator, rows: pd.DataFrame) -> Mapping[str, Draw]:
    if isinstance(evaluator, BinaryClassification):
        return {**_BINARY, **(_OF_PROBABILITIES if are_probabilities(rows["predicted"]) else {})}
    if isinstance(evaluator, MulticlassClassification):
        return _MULTICLASS
    return _REGRESSION if isinstance(evaluator, Regression) else {}


def _write(path: Path, draw: Draw, rows: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A figure of its own and a canvas that needs no screen: pyplot would keep both for the whole process.
    figure = Figure(figsize=(6, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, rows).to_csv(path.with_name(f"{path.name}.csv"), index=False)
    figure.savefig(path.with_name(f"{path.name}.png"))
