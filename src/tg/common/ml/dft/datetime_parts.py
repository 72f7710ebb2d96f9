"""Numbers taken from a column of datetimes."""

from __future__ import annotations

from datetime import tzinfo

import pandas as pd

from ...errors import DatasetError
from ..tables import ColumnTypeError, read_column

DATETIME_PARTS = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "day": "day",
    "dayofweek": "day_of_week",
    "dayofyear": "day_of_year",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
}
"""The parts there are, and the attribute of pandas' ``Series.dt`` for each; Monday is day 0 of the week."""


def take_part(moments: pd.Series, part: str) -> pd.Series:
    """One part of each datetime, a number; NaN where there is no datetime."""
    taken: pd.Series = getattr(moments.dt, DATETIME_PARTS[part])
    return taken


def read_datetimes(series: pd.Series) -> pd.Series:
    """Reads a column as datetime64, with or without a time zone.

    Accepted are datetime and DATE dtypes, objects that are datetimes or dates, and columns without any value. Text is
    not: the meaning of ``03/04`` is ambiguous.

    Raises:
        DatasetError: The column holds something else.
    """
    try:
        read = read_column(series)
    except ColumnTypeError as e:
        raise DatasetError(f"column {series.name!r} (dtype {series.dtype}) holds no datetimes: it {e}") from e
    if read.dtype.kind == "M":
        return read
    if read.isna().all():
        return pd.Series(pd.NaT, index=series.index, name=series.name, dtype="datetime64[ns]")
    raise DatasetError(
        f"column {series.name!r} (dtype {series.dtype}) holds no datetimes: convert it with pd.to_datetime"
    )


def convert_zone(series: pd.Series, zone: tzinfo | None) -> pd.Series:
    """Converts datetimes to ``zone``; a column without any value fits every zone.

    Raises:
        DatasetError: One of the column and ``zone`` has a time zone and the other has none.
    """
    own = series.dt.tz
    if own is not None and zone is not None:
        converted: pd.Series = series.dt.tz_convert(zone)
        return converted
    if (own is None and zone is None) or series.isna().all():
        return series
    raise DatasetError(
        f"column {series.name!r} has the time zone {own} but was fitted with {zone}: use tz_localize or tz_convert"
    )
