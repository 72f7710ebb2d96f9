"""Makes a project of a table: a task that predicts one of its columns."""

import json
from dataclasses import dataclass
from pathlib import Path

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.train_command import PROGRAM
from tg_mlflow.scaffolding.mlproject import EntryPoint, Parameter, format_mlproject
from tg_mlflow.scaffolding.new_project import NewProject, name_project
from tg_mlflow.scaffolding.table_guess import Kind, TableGuess, guess_table

_PARAMETERS = (
    Parameter("n_estimators", "int", 100),
    Parameter("max_depth", "int", 10),
    Parameter("min_samples_leaf", "int", 1),
)
_MOST_NAMED = 5


@dataclass(frozen=True)
class _Recipe:
    """What the code for a kind of task has."""

    title: str
    model: str
    functions: tuple[str, ...]
    metrics: str


_RECIPES: dict[Kind, _Recipe] = {
    "binary_classification": _Recipe(
        "a classification of two classes",
        "RandomForestClassifier",
        ("accuracy_score", "roc_auc_score"),
        ".add_sklearn(roc_auc_score).add_sklearn(accuracy_score, threshold=0.5)",
    ),
    "multiclass_classification": _Recipe(
        "a classification",
        "RandomForestClassifier",
        ("accuracy_score", "f1_score"),
        '.add_sklearn(accuracy_score).add_sklearn(f1_score, average="macro")',
    ),
    "regression": _Recipe(
        "a regression",
        "RandomForestRegressor",
        ("mean_absolute_error", "r2_score"),
        ".add_sklearn(r2_score).add_sklearn(mean_absolute_error)",
    ),
}
_FEW = _Recipe(
    "a classification of two classes",
    "RandomForestClassifier",
    ("accuracy_score",),
    ".add_sklearn(accuracy_score, threshold=0.5)",
)

_TASKS = '''"""Predicts {target} from the other columns of {table}."""

from sklearn.metrics import {functions}

from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft


def build_task(n_estimators: int = 100, max_depth: int = 10, min_samples_leaf: int = 1) -> sft.SingleFrameTrainingTask:
    """A random forest, measured on 30 % of the rows.

    Args:
        n_estimators: How many trees it has.
        max_depth: How many questions each of them may ask in turn.
        min_samples_leaf: How many rows each answer must be of.
    """
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader({loader}),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor(
                "sklearn.ensemble:{model}",
                n_estimators=n_estimators,
                max_depth=max_depth,
                min_samples_leaf=min_samples_leaf,
                random_state=0,
            ),
            # Numbers are scaled, text and categories one-hot encoded, times divided into their parts, gaps filled.
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.{kind},
        splitter=sft.FoldSplitter({splitter}),
        metrics_pool=sft.MetricPool(){metrics},
    )
'''


def guess_table_project(folder: Path, data: Path, target: str | None) -> NewProject:
    """Guesses the task that predicts a column of a table, and puts the table where the task finds it.

    Args:
        folder: The project's folder.
        data: A parquet or CSV file, or a folder of either, anywhere.
        target: The column to predict; ``None`` for the only one that has the name of one.

    Raises:
        DatasetError: If the table cannot be read.
        ProjectError: If there is nothing to learn, or the table's folder has the project in it.
    """
    path = next((each for each in (data, folder / data) if each.exists()), data)
    guess = guess_table(path, target)
    files = build_task_files(folder, path.name, str(target or guess.target), guess)
    notes = [("table", f"{path.name}, {guess.row_count:,} rows, {len(guess.features)} columns to learn from")]
    if guess.target is not None:
        notes.append(("target", f"{guess.target!r}, by its name; --target names another"))
    notes.append(("task", f"{_choose(guess).title}: {guess.reason}"))
    notes += [("left out", f"{name!r}: {reason}") for name, reason in list(guess.excluded.items())[:_MOST_NAMED]]
    if (more := len(guess.excluded) - _MOST_NAMED) > 0:
        notes.append(("left out", f"{more} more columns; exclude in tasks.py has all"))
    notes.append(("model", f"{_choose(guess).model}, with the transformers that suit each column's type"))
    notes.append(("metrics", ", ".join(_choose(guess).functions)))
    notes += [(each.name, f"{each.type}, {each.default!r}") for each in _PARAMETERS]
    place = place_dataset(folder, path.name)
    if (folder / place).resolve() != path.resolve() and (folder / place).resolve().is_relative_to(path.resolve()):
        raise ProjectError(f"the folder {str(path)!r} has the project in it; put its tables into a folder of their own")
    is_there = (folder / place).exists() and (folder / place).samefile(path)
    if not is_there:
        notes.append(("data", f"copied to {place}, which is what is read from now on"))
    return NewProject(notes, files, {} if is_there else {place: path})


def place_dataset(folder: Path, name: str) -> str:
    """Returns the path in the folder where a dataset is looked for."""
    return f"datasets/{name_project(folder)}/{name}"


def build_task_files(folder: Path, table: str, target: str, guess: TableGuess) -> dict[str, str]:
    """Builds MLproject, ``tg.json`` and ``tasks.py``."""
    words = " ".join(f"{each.name}={{{each.name}}}" for each in _PARAMETERS)
    entry_point = EntryPoint("main", f"{' '.join(PROGRAM)} tasks:build_task {words}", _PARAMETERS)
    return {
        "MLproject": format_mlproject(name_project(folder), [entry_point], {}),
        "tg.json": json.dumps({"dataset": table}, indent=2, ensure_ascii=False) + "\n",
        "tasks.py": _format_tasks(table, target, guess),
    }


def _choose(guess: TableGuess) -> _Recipe:
    is_small = guess.kind == "binary_classification" and not guess.has_curve
    return _FEW if is_small else _RECIPES[guess.kind]


def _format_tasks(table: str, target: str, guess: TableGuess) -> str:
    recipe, label = _choose(guess), _quote(target)
    excluded = f", exclude=[{', '.join(map(_quote, guess.excluded))}]" if guess.excluded else ""
    return _TASKS.format(
        target=_escape(target),
        table=_escape(table),
        functions=", ".join(recipe.functions),
        loader=f"{label}{excluded}",
        model=recipe.model,
        kind=guess.kind,
        splitter=f"stratify_by={label}" if guess.is_stratified else "",
        metrics=recipe.metrics,
    )


def _quote(text: str) -> str:
    """Writes a text as Python with double quotes, as JSON is."""
    return json.dumps(str(text), ensure_ascii=False)


def _escape(text: str) -> str:
    """Writes a text as part of a docstring."""
    return _quote(text)[1:-1]
