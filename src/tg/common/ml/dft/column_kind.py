"""What a column is, judged by its dtype alone."""

from __future__ import annotations

from enum import Enum

import pandas as pd


class ColumnKind(Enum):
    """The kinds of columns that a factory tells apart; the value is the word used in ``on_<kind>``."""

    CONTINUOUS = "continuous"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"

    @classmethod
    def of(cls, series: pd.Series) -> ColumnKind | None:
        """The kind of a column; None for complex numbers, periods, intervals and other dtypes that have none.

        Only the dtype counts, not the values, so a column does not change its kind with the sample: objects are
        categories even if they are all numbers or dates.
        """
        dtype = series.dtype
        # first, because pandas takes categories of booleans for booleans
        if isinstance(dtype, pd.CategoricalDtype):
            return cls.CATEGORICAL
        if dtype.kind == "b":
            return cls.BOOLEAN
        if dtype.kind in "iufm":
            return cls.CONTINUOUS
        if dtype.kind == "M":
            return cls.DATETIME
        if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
            return cls.CATEGORICAL
        return None
