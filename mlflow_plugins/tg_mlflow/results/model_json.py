"""Converts a table to JSON from which a served model reads the same values."""

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

# If a column has missing values, readers of JSON convert its whole numbers to floats, which lose digits from here on.
_EXACT = 2**53


def as_json_columns(frame: pd.DataFrame) -> dict[Any, list[Any]]:
    """Converts each column to numbers, strings, booleans and ``None``; times, dates and durations to ISO strings.

    Whole numbers that a float cannot represent become strings if the column has missing values.

    Returns:
        By column, ``n_rows`` values.

    Raises:
        TypeError: If JSON cannot represent a value, such as bytes.
    """
    return {name: _as_json_column(name, column) for name, column in frame.items()}


def as_json_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Converts a table row by row, as in MLflow's ``dataframe_records``; see :func:`as_json_columns`."""
    columns = {str(name): values for name, values in as_json_columns(frame).items()}
    return [{name: values[row] for name, values in columns.items()} for row in range(len(frame))]


def _as_json_column(name: Any, column: "pd.Series[Any]") -> list[Any]:
    values = [_as_json(name, value) for value in column.astype(object).tolist()]
    if None in values:
        return [str(value) if type(value) is int and abs(value) > _EXACT else value for value in values]
    return values


def _as_json(name: Any, value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime.timedelta):
        return pd.Timedelta(value).isoformat()
    if isinstance(value, pd.Timestamp) and value.tzinfo is not None:
        value = value.tz_convert("UTC")  # zones once had offsets with seconds, which ISO 8601 does not know
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    raise TypeError(f"column {name!r} holds a {type(value).__name__}, which JSON does not hold")
