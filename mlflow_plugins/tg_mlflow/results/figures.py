"""Draws the predictions of a training's models, each figure with its data beside it."""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
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
from tg.common.ml.tables.json_table import number_repeated
from tg_mlflow.figures.classification import (
    are_probabilities,
    draw_calibration_curve,
    draw_confusion_matrix,
    draw_precision_recall_curve,
    draw_roc_curve,
    draw_thresholded_confusion_matrix,
)
from tg_mlflow.figures.labels import as_label
from tg_mlflow.figures.regression import draw_predicted_against_true, draw_residuals
from tg_mlflow.figures.row_sample import MOST_ROWS
from tg_mlflow.figures.weights import MOST_BARS, draw_weights, find_weights
from tg_mlflow.results.members import MODEL, TRAINING_TASK, read_result_df
from tg_mlflow.results.optional_parts import Attempt

# Draws the rows of a stage into an empty figure and returns the data that it shows.
Draw: TypeAlias = Callable[[Figure, pd.DataFrame], pd.DataFrame]
# The same, with the model's classes.
DrawClasses: TypeAlias = Callable[[Figure, pd.DataFrame, Sequence[Any]], pd.DataFrame]

_BINARY: Mapping[str, DrawClasses] = {
    "roc_curve": draw_roc_curve,
    "precision_recall_curve": draw_precision_recall_curve,
    "confusion_matrix": draw_thresholded_confusion_matrix,
}
_OF_PROBABILITIES: Mapping[str, DrawClasses] = {"calibration_curve": draw_calibration_curve}
_MULTICLASS: Mapping[str, DrawClasses] = {"confusion_matrix": draw_confusion_matrix}
_REGRESSION: Mapping[str, Draw] = {
    "predicted_against_true": draw_predicted_against_true,
    "residuals": draw_residuals,
}
_DRAWN = (BinaryClassification, MulticlassClassification, Regression)
_TITLES = {"roc_curve": "ROC curve", "precision_recall_curve": "Precision-recall curve"}

_TRAIN = "train"
_RUN_FOLDER = re.compile(r"runs/(\d+)/")
_REFUSED_CHARACTERS = re.compile(r"[^\w.\-]")
# The longest stage in the name of a file, which may have 255 bytes.
_LONGEST_STAGE = 50


def draw_figures(archive: ResultArchive, folder: Path, attempt: Attempt) -> None:
    """Writes ``<run>/<name>.png`` and ``<run>/<name>.csv`` below ``folder``, which is created if needed.

    Each run's held-out rows are drawn; with several stages of them, the stage's name follows the figure's, as in
    ``roc_curve_last_year``. For a project's own evaluator, whose columns may mean anything, only the model's weights
    are drawn.

    Args:
        archive: The archive of a training on one table.
        folder: The target folder.
        attempt: Opened around each figure.
    """
    runs = sorted({int(found[1]) for name in archive.list() if (found := _RUN_FOLDER.match(name))})
    evaluator = archive.unpickle(TRAINING_TASK.format(run=0)).evaluator
    for run in runs:
        about = "" if len(runs) == 1 else f", split {run + 1} of {len(runs)}"
        weights, classes = None, ()
        with attempt(f"figures/{run}/weights"):
            model = archive.unpickle(MODEL.format(run=run))
            classes = tuple(getattr(model, "classes_", ()))
            weights = find_weights(model)
        if isinstance(evaluator, _DRAWN):
            with attempt(f"figures/{run}"):
                rows = read_result_df(archive, run, ["predicted", "true", "stage"])
                _draw_predictions(evaluator, rows, classes, folder / str(run), about, attempt)
        if weights is not None:
            with attempt(f"figures/{run}/{weights.name}"):
                count = len(weights.frame)
                title = f"{f'{MOST_BARS} of {count:,}' if count > MOST_BARS else count} features{about}"
                _write(folder / str(run) / weights.name, weights.name, title, draw_weights, weights.frame)


def _draw_predictions(
    evaluator: Evaluator,
    result_df: pd.DataFrame,
    classes: Sequence[Any],
    folder: Path,
    about: str,
    attempt: Attempt,
) -> None:
    tests = result_df[result_df["stage"] != _TRAIN].reset_index(drop=True)  # the index may have the name of a column
    stages = list(tests.groupby("stage", sort=False, observed=True))
    suffixes = [""] if len(stages) == 1 else _name_stages(stage for stage, _ in stages)
    for (stage, given), suffix in zip(stages, suffixes, strict=True):
        rows = _drop_missing(given)
        title = f"{as_label(stage)}{about}: {_count(evaluator, rows, given)}"
        for name, draw in _choose(evaluator, rows, classes).items():
            with attempt(f"figures/{folder.name}/{name}{suffix}"):
                if rows.empty:
                    raise ValueError(f"none of the {len(given)} rows of the stage has a finite prediction")
                _write(folder / f"{name}{suffix}", name, title, draw, rows)


def _name_stages(stages: Iterable[Any]) -> list[str]:
    """Returns the suffixes of figures' names: the stages, valid in file names, with numbers if they collide."""
    plain = ("_" + _REFUSED_CHARACTERS.sub("_", str(stage))[:_LONGEST_STAGE] for stage in stages)
    return number_repeated(plain, str.casefold)  # as on case-insensitive file systems


def _drop_missing(rows: pd.DataFrame) -> pd.DataFrame:
    values = rows[["predicted", "true"]]
    numbers = values.select_dtypes("number")
    is_finite = np.isfinite(numbers.to_numpy(dtype=float, na_value=np.nan)).all(axis=1)
    return pd.DataFrame(rows[is_finite & values.notna().all(axis="columns").to_numpy()])


def _count(evaluator: Evaluator, rows: pd.DataFrame, given: pd.DataFrame) -> str:
    is_sample = isinstance(evaluator, Regression) and len(rows) > MOST_ROWS
    text = f"{MOST_ROWS:,} of {len(rows):,} rows" if is_sample else f"{len(rows):,} rows"
    missing = len(given) - len(rows)
    return f"{text}, {missing:,} without a finite prediction left out" if missing else text


def _choose(evaluator: Evaluator, rows: pd.DataFrame, classes: Sequence[Any]) -> Mapping[str, Draw]:
    if isinstance(evaluator, Regression):
        return _REGRESSION
    figures = _MULTICLASS
    if isinstance(evaluator, BinaryClassification):
        figures = {**_BINARY, **(_OF_PROBABILITIES if are_probabilities(rows["predicted"]) else {})}
        classes = classes if len(classes) == 2 else (0, 1)
    return {name: _draw_with(draw, classes) for name, draw in figures.items()}


def _draw_with(draw: DrawClasses, classes: Sequence[Any]) -> Draw:
    return lambda figure, rows: draw(figure, rows, classes)


def _write(path: Path, name: str, title: str, draw: Draw, rows: pd.DataFrame) -> None:
    # A figure of its own and a canvas that needs no screen: pyplot would keep both for the whole process.
    figure = Figure(figsize=(6, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    data = draw(figure, rows)
    figure.suptitle(f"{_TITLES.get(name, name.replace('_', ' ').capitalize())}\n{title}", fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The data beside the figure have the characters that its font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(path.with_name(f"{path.name}.png"))
    data.to_csv(path.with_name(f"{path.name}.csv"), index=False)
