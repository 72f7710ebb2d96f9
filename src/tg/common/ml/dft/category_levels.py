"""The one-hot columns of one categorical column: which values have one, and what they are called."""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...errors import DatasetError
from .feature_names import unique_names
from .frame_transformer import Floats


@dataclass(frozen=True)
class CategoryLevels:
    """The levels learned from one column.

    Attributes:
        column: The column's name.
        values: The values that have a column of their own: numbers by size, then the rest by text.
        has_other: Whether there is a column for all other values.
        has_null: Whether there is a column for missing values.
    """

    column: Hashable
    values: tuple[Hashable, ...]
    has_other: bool
    has_null: bool

    @classmethod
    def from_series(cls, series: pd.Series, max_values: int | None) -> CategoryLevels:
        """Learns the levels; keeps the ``max_values`` most frequent, of equally frequent ones the first by text.

        Raises:
            ValueError: The column holds values that cannot be compared, such as lists.
        """
        codes, uniques = _factorize(series)
        # code -1, missing, is counted in front
        counts = np.bincount(codes + 1, minlength=len(uniques) + 1)
        has_null = bool(counts[0])
        counts = counts[1:]
        present = np.flatnonzero(counts)  # a category dtype may know values that do not occur
        has_other = max_values is not None and len(present) > max_values
        if max_values is not None and has_other:
            least = np.partition(counts, -max_values)[-max_values]
            candidates = [(int(counts[i]), uniques[i]) for i in np.flatnonzero(counts >= least)]
            best = heapq.nsmallest(max_values, candidates, key=lambda item: (-item[0], str(item[1]), _order(item[1])))
            kept = [value for _, value in best]
        else:
            kept = [uniques[i] for i in present]
        return cls(series.name, tuple(sorted(kept, key=_order)), has_other, has_null)

    def names(self) -> list[str]:
        """One distinct name per level: values, then OTHER, then NULL, which keep their names in a conflict."""
        special = [f"{self.column}_OTHER"] * self.has_other + [f"{self.column}_NULL"] * self.has_null
        return [*unique_names((f"{self.column}_{value}" for value in self.values), taken=special), *special]

    def fill(self, series: pd.Series, out: Floats) -> None:
        """Writes 1.0 where a row has a level and 0.0 elsewhere; ``out`` has the shape ``(levels, len(series))``.

        Raises:
            ValueError: The column holds values that cannot be compared, such as lists.
        """
        codes, uniques = _factorize(series)
        level_of = {_as_read(value): level for level, value in enumerate(self.values)}
        unseen = len(self.values) if self.has_other else -1
        missing = len(out) - 1 if self.has_null else -1
        # code -1 selects the last entry
        lookup = [*(level_of.get(_as_read(value), unseen) for value in uniques), missing]
        levels = np.array(lookup, dtype=np.int16 if len(out) < 2**15 else np.int64)[codes]
        for level, row in enumerate(out):
            np.equal(levels, level, out=row)


def count_distinct(series: pd.Series) -> int:
    """Counts the different values of a column, without missing ones.

    Raises:
        ValueError: The column holds values that cannot be compared, such as lists.
    """
    codes, uniques = _factorize(series)
    return int(np.count_nonzero(np.bincount(codes + 1, minlength=len(uniques) + 1)[1:]))


def _factorize(series: pd.Series) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Codes into the list of distinct values; -1 is a missing value. Values that are equal in Python are one."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy().astype(np.intp), series.cat.categories.tolist()
    try:
        codes, uniques = pd.factorize(series)
    except (TypeError, NotImplementedError) as e:
        raise DatasetError(
            f"column {series.name!r} (dtype {series.dtype}) holds values that cannot be categories ({e}): make text or "
            f"numbers of them, drop the column, or name it in on_columns([{series.name!r}], ...)"
        ) from e
    return codes, uniques.tolist()


def _as_read(value: Any) -> Any:
    """Converts a value as a table's reader does, so that decimals match floats and dates match midnights."""
    if isinstance(value, Decimal):
        return float(value)
    is_day = isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return datetime.datetime(value.year, value.month, value.day) if is_day else value


def _order(value: object) -> tuple[int, Any, str]:
    """A sort key under which values of any types compare."""
    if isinstance(value, (Real, Decimal)):
        return 0, value, ""
    return 1, str(value), type(value).__name__
