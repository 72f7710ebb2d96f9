"""What a table tells of the training on it: the kind of task, and which columns say nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from tg.common.errors import listed, suggestion
from tg.common.ml.tables import read_frame
from tg.common.ml.tables.table import open_table
from tg_mlflow.errors import ProjectError

Kind = Literal["binary_classification", "multiclass_classification", "regression"]

_FEWEST_ROWS = 10
# Whole numbers are classes if there are at most so many, each in so many rows on average.
_MOST_CLASSES = 10
_ROWS_PER_CLASS = 5
# What people call the column that is to be predicted; the last one, which a coordinate may have, if there is no other.
_TARGETS = (("target", "label", "class", "outcome"), ("y",))
# Of text, where every other row has a class of its own, nothing can be learned.
_FEWEST_ROWS_PER_TEXT = 2
# As the splitter's default.
_TEST_SHARE = 0.3


@dataclass(frozen=True)
class TableGuess:
    """What was guessed.

    Attributes:
        kind: The kind of task.
        reason: Why it is taken for that.
        row_count: How many rows there are.
        features: The columns to learn from.
        excluded: Why each of the other columns is not a feature.
        is_stratified: Whether the classes are enough for each part of the rows to get its share of them.
        has_curve: Whether there are so many rows of each class that a curve over them says something.
        target: The column to predict, if it was guessed by its name.
    """

    kind: Kind
    reason: str
    row_count: int
    features: list[str]
    excluded: dict[str, str]
    is_stratified: bool = False
    has_curve: bool = False
    target: str | None = None


def guess_table(path: Path, target: str | None) -> TableGuess:
    """Reads a table and guesses the training on it.

    Args:
        path: A parquet or CSV file, or a folder of either.
        target: The column to predict; ``None`` for the only one that has the name of one.

    Raises:
        DatasetError: If it cannot be read.
        ProjectError: If no training can learn to predict the column.
    """
    if not path.exists():
        raise ProjectError(f"there is no table {str(path)!r}; correct --data")
    table = read_frame(open_table(path).read())
    frame, unread = table.frame, table.unread
    names = list(frame.columns)
    if len(names) == 1 and (found := next((each for each in ";\t|" if each in str(names[0])), None)):
        raise ProjectError(
            f"the columns of {str(path)!r} are divided by {found!r}; write it with commas, as pandas does: "
            f"pandas.read_csv({path.name!r}, sep={found!r}).to_csv({path.name!r}, index=False)"
        )
    guessed = _guess_target(names) if target is None else None
    target = guessed if target is None else target
    if target is None:
        raise ProjectError(f"say which column is to be predicted, as in --target {names[-1]}: there is {listed(names)}")
    if target not in names:
        raise ProjectError(f"{str(path)!r} has no column {target!r}; {suggestion(target, names)}")
    if target in unread:
        raise ProjectError(f"the column {target!r} {unread[target]}, which no model predicts; give another --target")
    if len(frame) < _FEWEST_ROWS:
        raise ProjectError(f"{str(path)!r} has {len(frame)} rows; give a table of {_FEWEST_ROWS} or more")
    if missing := int(frame[target].isna().sum()):
        raise ProjectError(
            f"the column {target!r} has no value in {missing} of {len(frame)} rows; drop these rows, or fill them"
        )
    excluded = {str(name): f"it {reason}" for name, reason in unread.items()}
    excluded |= {str(name): reason for name in names if name not in unread and (reason := _find_flaw(frame[name]))}
    excluded.pop(target, None)
    features = [name for name in names if name != target and name not in excluded]
    if not features:
        raise ProjectError(f"no column of {str(path)!r} is left to learn from: {_list_reasons(excluded)}")
    kind, reason = _guess_kind(frame[target], path)
    if kind == "regression":
        return TableGuess(kind, reason, len(frame), features, excluded, target=guessed)
    counts = frame[target].value_counts()
    tested, least = math.ceil(len(frame) * _TEST_SHARE), int(counts[counts > 0].min())
    is_stratified = least >= 2 and min(tested, len(frame) - tested) >= len(counts)
    has_curve = is_stratified and least >= _ROWS_PER_CLASS
    return TableGuess(kind, reason, len(frame), features, excluded, is_stratified, has_curve, guessed)


def _guess_target(names: Sequence[object]) -> str | None:
    """Returns the only column that has the name of a target; ``None`` if there is none, or more than one."""
    found = ([name for name in names if str(name).lower() in wanted] for wanted in _TARGETS)
    named = next(filter(None, found), [])
    return str(named[0]) if len(named) == 1 else None


def _guess_kind(column: "pd.Series[Any]", path: Path) -> tuple[Kind, str]:
    values = column.drop_duplicates()
    count = len(values)
    if count < 2:
        raise ProjectError(f"the column {column.name!r} of {str(path)!r} has the same value in all rows; give another")
    classes: Kind = "binary_classification" if count == 2 else "multiclass_classification"
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        raise ProjectError(f"the column {column.name!r} holds times, which no model predicts; make it a number")
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        if count * _FEWEST_ROWS_PER_TEXT > len(column):
            raise ProjectError(
                f"the column {column.name!r} is text with {count} different values in {len(column)} rows, too many to "
                "be classes; give another --target"
            )
        return classes, f"{column.name!r} has {count} values that are no numbers"
    is_whole = bool((values == values.round()).all())
    if is_whole and count <= _MOST_CLASSES and count * _ROWS_PER_CLASS <= len(column):
        return classes, f"{column.name!r} has {count} different whole numbers, at most {_MOST_CLASSES}"
    what = f"{count:,} different numbers" if is_whole else "numbers that are not whole"
    return "regression", f"{column.name!r} has {what}"


def _find_flaw(column: "pd.Series[Any]") -> str | None:
    """Returns why nothing can be learned from a column."""
    if column.isna().all():
        return "it has no values"
    if column.isna().any() or not column.is_unique:
        return None
    if pd.api.types.is_integer_dtype(column.dtype) and bool((column.diff().iloc[1:] == 1).all()):
        return "it numbers the rows"
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        return "its text is another in each row"
    return None


def _list_reasons(excluded: dict[str, str]) -> str:
    return "; ".join(f"{name!r}: {reason}" for name, reason in list(excluded.items())[:5]) or "there is but one"
