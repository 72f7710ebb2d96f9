"""The kinds of columns."""

from __future__ import annotations

from enum import Enum

import pandas as pd

from ...errors import DatasetError
from ..tables import ColumnTypeError, read_column

# Results of `pandas.api.types.infer_dtype` for objects that stay categories although they could be converted.
_CATEGORIES_AS_OBJECTS = {"string", "boolean", "integer", "floating", "mixed-integer-float"}


class ColumnKind(Enum):
    """The kinds of columns that a factory tells apart; the value is the word used in ``on_<kind>``."""

    CONTINUOUS = "continuous"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"

    @classmethod
    def of(cls, series: pd.Series) -> ColumnKind | None:
        """Returns the kind of a column.

        The dtype counts: as `read_column` reads it, so decimals, times of day and columns of nothing are continuous,
        and dates are datetimes. Of objects, Python's own numbers and booleans are categories as text is; a loader has
        made numbers and booleans of them.

        Returns:
            The kind; None for what no transformer of this package reads: complex numbers, periods, bytes, lists,
            objects of several types, and whatever is not known.
        """
        if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in _CATEGORIES_AS_OBJECTS:
            return cls.CATEGORICAL
        try:
            # only objects are judged by their values
            dtype = read_column(series if series.dtype == object else series.head(0)).dtype
        except ColumnTypeError:
            return None
        # first, because pandas treats categories of booleans as booleans
        if isinstance(dtype, pd.CategoricalDtype):
            return cls.CATEGORICAL
        if dtype.kind == "b":
            return cls.BOOLEAN
        if dtype.kind in "iufm":
            return cls.CONTINUOUS
        return cls.DATETIME if dtype.kind == "M" else cls.CATEGORICAL


def check_objects(series: pd.Series) -> None:
    """Checks that a column of objects has a kind.

    Raises:
        DatasetError: It holds values of a type that is not known, or of several.
    """
    try:
        read_column(series)
    except ColumnTypeError as e:
        raise DatasetError(
            f"column {series.name!r} (dtype object) holds values that cannot be categories: it {e}; make text or "
            f"numbers of them, drop the column, or name it in on_columns([{series.name!r}], ...)"
        ) from e
