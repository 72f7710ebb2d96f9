"""Turns columns of categories into columns of zeros and ones."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral

import pandas as pd

from .category_levels import CategoryLevels
from .feature_names import unique_names
from .frame_transformer import Floats, FrameTransformer, check_fit


class CategoricalTransformer(FrameTransformer):
    """One-hot encoding with a cap, so that a column of many values does not make a frame of many columns.

    For each column come out, in this order:

    * ``<column>_<value>`` for each kept value, numbers by size, then everything else by its text. Kept are the
      ``max_values`` most frequent values; of equally frequent ones the first by text.
    * ``<column>_OTHER``, only if there were more than ``max_values`` values in `fit`.
    * ``<column>_NULL``, only if values were missing in `fit`.

    In `transform` a value that is not kept, or was never seen, is OTHER; a missing one is NULL. Where that column does
    not exist the row is all zeros. Names are distinct: beside a true OTHER column the literal value ``"OTHER"`` is
    called ``<column>_OTHER_2``.

    Any dtype of hashable values is accepted. Values that are equal in Python are one category, so a column fitted as
    integers may arrive as floats, or as objects with None; 1 and ``"1"`` are two. In `transform`, decimals count as
    their floats, and dates as their midnights.

    Args:
        columns: The names of the columns.
        max_values: How many values of a column are kept, at least 1; None keeps all.

    Attributes:
        levels_: One `CategoryLevels` a column.
    """

    def __init__(self, columns: Sequence[Hashable], *, max_values: int | None = 10) -> None:
        self.columns = columns
        self.max_values = max_values

    def fit(self, X: pd.DataFrame, y: object = None) -> CategoricalTransformer:  # noqa: N803
        """Learns the values of each column.

        Args:
            X: At least one row.
            y: Ignored.

        Raises:
            TypeError: ``X`` is not a DataFrame, or ``columns`` is not a list.
            ValueError: A column is absent or holds unhashable values, there are no rows, or ``max_values`` is below 1.
        """
        limit: object = self.max_values
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, Integral) or limit < 1):
            raise ValueError(f"max_values must be a whole number of at least 1, or None, got {limit!r}")
        columns = check_fit(X, self.columns)
        self.levels_ = [CategoryLevels.from_series(X[column], self.max_values) for column in columns]
        return self

    def input_columns(self) -> list[Hashable]:
        return [levels.column for levels in self.levels_]

    def feature_names(self) -> list[str]:
        return unique_names(name for levels in self.levels_ for name in levels.names())

    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        start = 0
        for levels in self.levels_:
            end = start + len(levels.values) + levels.has_other + levels.has_null
            levels.fill(frame[levels.column], out[start:end])
            start = end
