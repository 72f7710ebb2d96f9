"""Converts the values of a column, in any form, to another dtype."""

import datetime
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..tables.time_of_day import count_seconds, parse_time_of_day

# From here on, floats cannot represent every whole number.
_EXACT = 2**53

_ISO_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
# With nine digits behind the point, pandas reads no year that nanoseconds do not reach, though the last be zeros.
_EMPTY_NANOSECONDS = re.compile(r"(?<=[.,]\d{6})0{1,3}(?!\d)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)|nan", re.ASCII | re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}

_Read = Callable[[Any], Any]


class UnreadableValueError(Exception):
    """A value that a column cannot hold.

    Args:
        value: The value.
        reason: Why, or what is expected instead.
    """

    def __init__(self, value: Any, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


def read_column(values: "pd.Series[Any]", dtype: Any, kind: str = "") -> "pd.Series[Any]":
    """Reads ``values`` as a column of ``dtype``.

    Values that do not fit the dtype widen it: whole numbers with missing values or fractions become floats, and
    ``bool`` with missing values becomes objects, as in pandas.

    Args:
        values: A column of any dtype.
        dtype: Of numpy, pandas or Arrow.
        kind: What objects are, where that is the dtype, as ``pandas.api.types.infer_dtype`` says. Objects of another
            kind than ``boolean``, ``string``, ``date``, ``time`` and ``decimal`` are left as they are.

    Returns:
        A column with the index of ``values``.

    Raises:
        UnreadableValueError: For the first value that cannot be read.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return _read_categories(values, dtype)
    is_plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "iufb"
    if is_plain and isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return _read_plain_numbers(values, dtype)
    read = _find_reader(dtype, kind)
    found = _read_each(values, read)
    if read is _read_number and pd.api.types.is_integer_dtype(dtype):
        return _build_integers(values, found, dtype)
    if isinstance(dtype, np.dtype) and dtype.kind == "b" and any(value is None for value in found):
        dtype = np.dtype(object)
    return _build(values, found, dtype)


def _find_reader(dtype: Any, kind: str) -> _Read:
    """Returns the function that reads one value for a dtype."""
    types = pd.api.types
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _OBJECT_READERS.get(kind, lambda value: value)
    if types.is_bool_dtype(dtype):
        return _read_boolean
    if types.is_integer_dtype(dtype):
        return _read_number
    if types.is_float_dtype(dtype):
        return _read_float
    if types.is_datetime64_any_dtype(dtype) or _is_arrow(dtype, pa.types.is_date):
        return _make_time_reader(_find_zone(dtype))
    if types.is_timedelta64_dtype(dtype) or _is_arrow(dtype, pa.types.is_duration):
        return _read_duration
    if types.is_string_dtype(dtype):
        return _read_text
    return lambda value: value


def _is_arrow(dtype: Any, is_type: Callable[[Any], bool]) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and is_type(dtype.pyarrow_dtype)


def _find_zone(dtype: Any) -> Any:
    return getattr(dtype, "tz", None) or getattr(getattr(dtype, "pyarrow_dtype", None), "tz", None)


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, (float, np.floating)) and value != value)
    )


def _read_each(values: "pd.Series[Any]", read: _Read) -> list[Any]:
    """Reads value by value, each different text once; what is missing is ``None``."""
    known: dict[str, Any] = {}
    found: list[Any] = []
    for value in values.astype(object).tolist():
        if _is_missing(value):
            found.append(None)
        elif isinstance(value, str):
            if value not in known:
                known[value] = read(value)
            found.append(known[value])
        else:
            found.append(read(value))
    return found


def _build(values: "pd.Series[Any]", found: list[Any], dtype: Any) -> "pd.Series[Any]":
    try:
        column: pd.Series[Any] = pd.Series(found, index=values.index, dtype=dtype)
        return column
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        for value in found:
            try:
                pd.Series([value], dtype=dtype)
            except (ValueError, TypeError, OverflowError, pa.ArrowException):
                raise UnreadableValueError(value, f"it does not fit into {dtype}") from error
        raise UnreadableValueError(found[:1], str(error)) from error


def _read_plain_numbers(values: "pd.Series[Any]", dtype: "np.dtype[Any]") -> "pd.Series[Any]":
    """Converts numpy's numbers, vectorized."""
    if dtype.kind == "f" or values.dtype.kind == "b":
        return values.astype(dtype)
    array = values.to_numpy()
    if values.dtype.kind == "f":
        present = array[~np.isnan(array)]
        if (large := present[np.isfinite(present) & (np.abs(present) >= _EXACT)]).size:
            raise UnreadableValueError(float(large[0]), "a float of this size has lost digits; give a whole number")
        if present.size < array.size or (present != np.floor(present)).any() or np.isinf(present).any():
            return values.astype(float)
    limits = np.iinfo(dtype)
    # Two comparisons, as numpy would compare uint64 with a negative number as floats.
    fits = array.size == 0 or (int(array.min()) >= limits.min and int(array.max()) <= limits.max)
    return values.astype(dtype if fits else (np.int64 if values.dtype.kind == "f" else values.dtype))


def _build_integers(values: "pd.Series[Any]", found: list[Any], dtype: Any) -> "pd.Series[Any]":
    present = [value for value in found if value is not None]
    is_float = any(isinstance(value, float) and not value.is_integer() for value in present)
    for value in present:
        if isinstance(value, float) and math.isfinite(value) and abs(value) >= _EXACT:
            raise UnreadableValueError(value, "a float of this size has lost digits; give a whole number")
    has_missing = len(present) < len(found)
    is_nullable = not isinstance(dtype, np.dtype)
    if is_float or (has_missing and not is_nullable):
        for value in present:
            if abs(value) > _EXACT and math.isfinite(value):
                raise UnreadableValueError(value, "beside missing values or fractions it would lose digits")
        floats = pd.Series([math.nan if value is None else float(value) for value in found], index=values.index)
        return floats.astype("Float64") if is_nullable else floats
    whole = [None if value is None else int(value) for value in found]
    try:
        return pd.Series(whole, index=values.index, dtype=dtype)
    except (OverflowError, ValueError, TypeError, pa.ArrowException):
        return _build(values, whole, "Int64" if is_nullable else np.int64)


def _read_number(value: Any) -> "int | float":
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        text = value.strip()
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    raise UnreadableValueError(value, "give a number")


def _read_float(value: Any) -> "int | float":
    """Reads a number, or a time of day, of which the training has the seconds."""
    time = parse_time_of_day(value.strip()) if isinstance(value, str) else value
    return count_seconds(time) if isinstance(time, datetime.time) else _read_number(value)


def _read_boolean(value: Any) -> bool:
    if isinstance(value, str):
        found = _BOOLEANS.get(value.strip().lower())
    elif isinstance(value, (bool, np.bool_, int, np.integer, float, np.floating)) and value in (0, 1):
        found = bool(value)
    else:
        found = None
    if found is None:
        raise UnreadableValueError(value, "give true or false")
    return found


def _read_text(value: Any) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))  # whole numbers become floats as soon as one is missing
    return str(value)


def _make_time_reader(zone: Any) -> _Read:
    def read(value: Any) -> Any:
        if isinstance(value, str) and not _ISO_TIME.fullmatch(value.strip()):
            raise UnreadableValueError(value, "give a time as ISO 8601 writes it, such as 2024-05-01T12:30:00Z")
        if not isinstance(value, (str, datetime.date, np.datetime64)):
            raise UnreadableValueError(
                value, "give an ISO time such as 2024-05-01T12:30:00Z; numbers do not say a unit"
            )
        try:
            time = pd.Timestamp(_EMPTY_NANOSECONDS.sub("", value.strip()) if isinstance(value, str) else value)
        except ValueError as error:
            raise UnreadableValueError(value, str(error)) from error
        if zone is None:
            if time.tzinfo is not None and time.utcoffset():
                raise UnreadableValueError(value, "the model's times have no zone; give them without one")
            return time.tz_convert("UTC").tz_localize(None) if time.tzinfo is not None else time
        if time.tzinfo is None:
            if not _is_utc(zone):
                raise UnreadableValueError(value, f"the model's times are in the zone {zone}; give them with a zone")
            time = time.tz_localize("UTC")
        return time.tz_convert(zone)

    return read


def _is_utc(zone: Any) -> bool:
    return str(zone) in ("UTC", "Etc/UTC", "utc", "+00:00", "UTC+00:00", "tzutc()")


def _read_date(value: Any) -> datetime.date:
    found: datetime.date = _make_time_reader(None)(value).date()
    return found


def _read_time_of_day(value: Any) -> datetime.time:
    time = parse_time_of_day(value.strip()) if isinstance(value, str) else value
    if isinstance(time, datetime.time):
        return time
    raise UnreadableValueError(value, "give a time of day such as 12:30:00")


def _read_decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(_read_number(value)))


def _read_duration(value: Any) -> Any:
    if isinstance(value, datetime.time):
        return pd.Timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    is_text = isinstance(value, str) and not _NUMBER.fullmatch(value.strip())
    if not is_text and not isinstance(value, (datetime.timedelta, np.timedelta64)):
        raise UnreadableValueError(value, "give a duration such as P1DT2H30M or 02:30:00; numbers do not say a unit")
    try:
        return pd.Timedelta(value)
    except ValueError as error:
        raise UnreadableValueError(value, "give a duration such as P1DT2H30M or 02:30:00") from error


def _read_categories(values: "pd.Series[Any]", dtype: pd.CategoricalDtype) -> "pd.Series[Any]":
    """Finds each value among the categories; others, and unreadable ones, are missing."""
    categories = dtype.categories
    read = _find_reader(categories.dtype, pd.api.types.infer_dtype(categories))
    numbers = {category: number for number, category in enumerate(categories.tolist())}

    def find(value: Any) -> int:
        try:
            return numbers.get(read(value), -1)
        except (UnreadableValueError, TypeError):  # lists and the like have no hash
            return -1

    codes = [-1 if code is None else code for code in _read_each(values, find)]
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), index=values.index)


_OBJECT_READERS: dict[str, _Read] = {
    "boolean": _read_boolean,
    "string": _read_text,
    "date": _read_date,
    "time": _read_time_of_day,
    "decimal": _read_decimal,
}
