"""Tables in JSON, as MLflow's pages show them."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

# What pandas writes as JSON in a way that people expect, in a column of any objects.
_PLAIN = (
    str,
    bytes,
    bool,
    int,
    float,
    Decimal,
    dt.date,
    dt.time,
    dt.timedelta,
    list,
    tuple,
    dict,
    np.generic,
    np.ndarray,
    type(None),
)


def build_json_table(frame: pd.DataFrame, has_index: bool = True) -> pd.DataFrame:
    """Returns a table with distinct names, and values that JSON can represent.

    Args:
        frame: It is left as it is.
        has_index: Whether its index becomes the first columns.
    """
    levels = frame.index.nlevels if has_index else 0
    unnamed = ["index"] if levels == 1 else [f"level_{number}" for number in range(levels)]
    index = [frame.index.names[number] for number in range(levels)]
    index = [other if name is None else name for name, other in zip(index, unnamed, strict=True)]
    # MLflow's page takes a dot in a column's name for nesting, and shows an empty cell.
    names = number_repeated(str(name).replace(".", "/") for name in [*frame.columns, *index])
    count = len(frame.columns)
    columns = {names[count + number]: frame.index.get_level_values(number).array for number in range(levels)}
    columns |= {names[number]: frame.iloc[:, number].array for number in range(count)}
    return pd.DataFrame({name: _as_json(pd.Series(values, dtype=values.dtype)) for name, values in columns.items()})


def format_json_table(table: pd.DataFrame) -> str:
    """Formats what :func:`build_json_table` has built as MLflow's own ``log_table`` does, but with 15 digits."""
    return str(table.to_json(orient="split", index=False, date_format="iso", double_precision=15))


def number_repeated(names: Iterable[str], same: Callable[[str], str] = str) -> list[str]:
    """Appends ``_2``, ``_3`` and so on to repeated names, which are compared by ``same``."""
    taken: dict[str, str] = {}
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        free = next(each for each in itertools.chain([name], numbered) if same(each) not in taken)
        taken[same(free)] = free
    return list(taken.values())


def _as_json(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.dtype.kind == "c":
        return _as_text(column)
    if isinstance(column.dtype, (pd.IntervalDtype, pd.CategoricalDtype)):  # whose values may be of any type
        column = column.astype(object)
    if column.dtype == object:
        # Of other values, pandas would write all attributes, whatever they hold.
        plain = [each if each is pd.NA or isinstance(each, _PLAIN) else str(each) for each in column]
        column = pd.Series(plain, dtype=object)
    try:
        column.to_json()
    except (OverflowError, TypeError, ValueError):  # of bytes, of periods, and of lists of them
        return _as_text(column)
    return column


def _as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    # Surrogates, such as from an undecodable file name, could not be written.
    texts = (str(each).encode("utf-8", "backslashreplace").decode() for each in column)
    return pd.Series(list(texts), dtype=object)
