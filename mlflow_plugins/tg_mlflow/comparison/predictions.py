"""Compares the predictions that the trainings have left in their result archives."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tg_mlflow.comparison.differences import Difference, PredictionDifference, compare_values, count
from tg_mlflow.comparison.run_record import RunRecord

if TYPE_CHECKING:
    import pandas as pd

_KIND = "predictions"
_DIGITS = 12


def compare_predictions(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Compares the tables cell by cell, where missing values are the same, and other files by their bytes."""
    if first.predictions is None or second.predictions is None:
        yield from compare_values(_KIND, "result archive", _count(first.predictions), _count(second.predictions))
        return
    for name in sorted({*first.predictions, *second.predictions}):
        a, b = first.predictions.get(name), second.predictions.get(name)
        digests = _digest(a), _digest(b)
        if digests[0] == digests[1]:
            continue
        if a is not None and b is not None and name.endswith(".parquet"):
            yield from _compare_tables(name, a, b)
        else:
            yield Difference(_KIND, name, digests[0], digests[1])


def _compare_tables(name: str, first: Path, second: Path) -> Iterator[Difference]:
    import pyarrow.parquet as pq  # takes a while

    # Without pandas' metadata, an index is a column like any other.
    a, b = (pq.read_table(path).to_pandas(ignore_metadata=True) for path in (first, second))
    columns = list(a.columns)
    if columns != list(b.columns):
        yield Difference(_KIND, name, _list_columns(a), _list_columns(b))
        return
    rows = min(len(a), len(b))
    differs = np.zeros((rows, len(columns)), dtype=bool)
    for number in range(len(columns)):
        differs[:, number] = _find_different(a.iloc[:rows, number], b.iloc[:rows, number])
    different_rows = np.flatnonzero(differs.any(axis=1))
    if not different_rows.size and len(a) == len(b):
        return
    row, column = (
        (int(different_rows[0]), int(differs[different_rows[0]].argmax())) if different_rows.size else (rows, 0)
    )
    values = [_write(each.iloc[row, column]) if row < len(each) else None for each in (a, b)]
    equal = rows - different_rows.size
    yield PredictionDifference(_KIND, name, values[0], values[1], (), row, columns[column], equal, len(a), len(b))


def _find_different(first: "pd.Series[Any]", second: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    if first.dtype.kind in "fiu" and second.dtype.kind in "fiu":
        return ((first != second) & ~(first.isna() & second.isna())).to_numpy()
    return np.array([_write(a) != _write(b) for a, b in zip(first, second, strict=True)], dtype=bool)


def _count(predictions: Mapping[str, Path] | None) -> str | None:
    return None if predictions is None else count(len(predictions), "file") + " of predictions"


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def _list_columns(table: "pd.DataFrame") -> str:
    return f"columns {', '.join(map(str, table.columns))}"


def _write(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)
