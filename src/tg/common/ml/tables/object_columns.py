"""Reads columns of Python objects by their values."""

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ...exception_text import first_line_of
from .column_type_error import ColumnTypeError
from .time_of_day import count_seconds


def read_objects(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Reads a column of the dtype ``object``.

    Raises:
        ColumnTypeError: It holds values of several kinds, or of one that has no reading.
    """
    word = pd.api.types.infer_dtype(series, skipna=True)
    if word == "string":
        return series
    reader = _READERS.get(word)
    if reader is None:
        if word not in {"mixed", "mixed-integer"} or not all(map(_is_number, series.dropna())):
            raise ColumnTypeError(_describe(series))
        reader = _read_floats
    try:
        return reader(series)
    except ColumnTypeError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        cause = first_line_of(error)
        raise ColumnTypeError(f"holds values that cannot be read ({cause})") from error


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, decimal.Decimal, np.integer, np.floating)) and not isinstance(value, bool)


def _describe(series: "pd.Series[Any]") -> str:
    names = [type(value).__name__ for value in series.dropna()]
    other = next((name for name in names if name != names[0]), None)
    return f"holds values of type {names[0]!r}" if other is None else f"holds a {other!r} value beside {names[0]!r}"


def _read_floats(series: "pd.Series[Any]") -> "pd.Series[Any]":
    return _like(series, series.to_numpy(dtype=np.float64, na_value=np.nan))


def _read_integers(series: "pd.Series[Any]") -> "pd.Series[Any]":
    if not series.isna().any():
        for dtype in (np.int64, np.uint64):
            try:
                return series.astype(dtype)
            except OverflowError:
                continue
    return _read_floats(series)


def _read_booleans(series: "pd.Series[Any]") -> "pd.Series[Any]":
    missing = series.isna()
    if not missing.any():
        return series.astype(bool)
    return series.mask(missing, pd.NA).astype("boolean")


def _read_durations(series: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return pd.to_timedelta(series)
    except pd.errors.OutOfBoundsTimedelta:
        return _like(series, _nones(series).to_numpy().astype("timedelta64[us]"))


def _read_times_of_day(series: "pd.Series[Any]") -> "pd.Series[Any]":
    if any(value.tzinfo is not None for value in series.dropna()):
        raise ColumnTypeError("holds times of day with a zone, which depend on the day")
    seconds = [
        np.nan if missing else count_seconds(value) for value, missing in zip(series, series.isna(), strict=True)
    ]
    return _like(series, np.array(seconds, dtype=np.float64))


def _read_moments(series: "pd.Series[Any]") -> "pd.Series[Any]":
    zones = {str(zone): zone for zone in (getattr(value, "tzinfo", None) for value in series.dropna())}
    if zones and "None" not in zones:
        return _read_zoned(series, next(iter(zones.values())) if len(zones) == 1 else datetime.timezone.utc)
    if len(zones) > 1:
        raise ColumnTypeError("holds times with a zone beside times without one")
    try:
        return pd.to_datetime(series)
    except (pd.errors.OutOfBoundsDatetime, TypeError):
        return _read_days(series)


def _read_zoned(series: "pd.Series[Any]", zone: Any) -> "pd.Series[Any]":
    try:
        moments = pd.to_datetime(series, utc=True)
    except pd.errors.OutOfBoundsDatetime:
        moments = series.astype("datetime64[us, UTC]")
    return moments.dt.tz_convert(zone)


def _read_days(series: "pd.Series[Any]") -> "pd.Series[Any]":
    if any(getattr(value, "tzinfo", None) is not None for value in series.dropna()):
        raise ColumnTypeError("holds times with a zone beside dates")
    return _like(series, _nones(series).to_numpy().astype("datetime64[us]"))


def _nones(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Replaces all missing values of a column by None, the only one that numpy knows."""
    return series.astype(object).where(series.notna(), None)


def _like(series: "pd.Series[Any]", values: "np.ndarray[Any, Any]") -> "pd.Series[Any]":
    return pd.Series(values, index=series.index, name=series.name)


def _read_nothing(series: "pd.Series[Any]") -> "pd.Series[Any]":
    return _like(series, np.full(len(series), np.nan))


# By the results of `pandas.api.types.infer_dtype`.
_READERS: "dict[str, Callable[[pd.Series[Any]], pd.Series[Any]]]" = {
    "empty": _read_nothing,
    "boolean": _read_booleans,
    "integer": _read_integers,
    "floating": _read_floats,
    "mixed-integer-float": _read_floats,
    "decimal": _read_floats,
    "date": _read_days,
    "datetime": _read_moments,
    "datetime64": _read_moments,
    "time": _read_times_of_day,
    "timedelta": _read_durations,
    "timedelta64": _read_durations,
}
