"""Reads the columns of a row's role in a fit: its weight and its group."""

from typing import Any

import numpy as np
import pandas as pd

from ...errors import DatasetError, listed


def read_weights(frame: pd.DataFrame, column: str) -> "np.ndarray[Any, Any]":
    """Reads weights as floats of shape ``(n_rows,)``.

    Raises:
        DatasetError: If the column is not there, or a weight is not a number, missing, infinite or negative.
    """
    given = _find(frame, column, "weight")
    numbers = pd.to_numeric(given.astype(object), errors="coerce")
    weights = numbers.to_numpy(dtype=float, na_value=np.nan)
    for is_wrong, what in ((~np.isfinite(weights), "is not a finite number"), (weights < 0, "is negative")):
        if is_wrong.any():
            first = int(is_wrong.argmax())
            raise DatasetError(
                f"weight column {column!r} {what} in {int(is_wrong.sum())} of {len(frame)} rows, the first at index "
                f"{frame.index[first]} ({str(given.iloc[first])!r}); weights are numbers from 0"
            )
    if not weights.any():
        raise DatasetError(f"weight column {column!r} is 0 in all {len(frame)} rows; give weights above 0")
    return weights


def read_groups(frame: pd.DataFrame, column: str) -> "np.ndarray[Any, Any]":
    """Numbers the groups from 0, in the order in which they come; of shape ``(n_rows,)``.

    Raises:
        DatasetError: If the column is not there or a value is missing.
    """
    numbers = pd.factorize(_find(frame, column, "group"))[0]
    if missing := int((numbers < 0).sum()):
        raise DatasetError(f"group column {column!r} is missing in {missing} of {len(frame)} rows; drop or fill them")
    return numbers


def _find(frame: pd.DataFrame, column: str, role: str) -> "pd.Series[Any]":
    if column not in frame.columns:
        raise DatasetError(f"{role} column {column!r} is not in the data, which have {listed(frame.columns)}")
    return frame[column]
