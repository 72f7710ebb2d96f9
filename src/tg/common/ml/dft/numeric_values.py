"""Reads any column of numbers as float64, with NaN where there is none."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...errors import DatasetError
from ..tables import ColumnTypeError, read_column
from .frame_transformer import Floats

Mask = npt.NDArray[np.bool_]


def read_numbers(series: pd.Series, out: Floats) -> Mask | None:
    """Writes a column as numbers; missing and infinite values become NaN.

    Read are integers, floats, booleans (1 and 0), decimals, their nullable and Arrow kinds, timedeltas and times of day
    (seconds), and objects or text that ``float`` understands, since a column that was fitted as numbers may arrive as
    objects with None.
    Infinities count as missing: no scaler or linear model survives one, and they come from divisions by zero.

    Args:
        series: A column of n values.
        out: Shape ``(n,)``.

    Returns:
        Where ``out`` is NaN, shape ``(n,)``; None if nowhere.

    Raises:
        DatasetError: The column holds something that is not a number.
    """
    given = series.dtype
    if not isinstance(given, np.dtype) or given.kind == "O":
        series = _read_odd(series)
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        out[:] = series.to_numpy()
        return None
    try:
        if isinstance(dtype, np.dtype) and dtype.kind == "f":
            out[:] = series.to_numpy()
        elif dtype.kind == "m":
            out[:] = series.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
        elif dtype.kind in "Mc":
            # pandas would silently count nanoseconds and drop imaginary parts
            raise TypeError(f"cannot read {dtype} values as numbers")
        else:
            out[:] = series.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError, OverflowError) as e:
        raise DatasetError(f"column {series.name!r} (dtype {given}) is not numeric: {e}") from e
    finite = np.isfinite(out)
    if finite.all():
        return None
    missing: Mask = ~finite
    out[missing] = np.nan
    return missing


def _read_odd(series: pd.Series) -> pd.Series:
    try:
        return read_column(series)
    except ColumnTypeError:
        return series  # text beside numbers may be numbers yet


def read_columns(frame: pd.DataFrame, columns: Sequence[Hashable], out: Floats) -> list[Mask | None]:
    """Does `read_numbers` for each of ``columns``, into the rows of ``out``, shape ``(len(columns), len(frame))``."""
    return [read_numbers(frame[column], row) for column, row in zip(columns, out, strict=True)]
