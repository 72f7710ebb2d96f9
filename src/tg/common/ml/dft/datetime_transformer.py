"""Turns columns of datetimes into scaled numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd

from .continuous_transformer import ContinuousTransformer
from .datetime_parts import DATETIME_PARTS, convert_zone, read_datetimes, take_part
from .feature_names import unique_names
from .frame_transformer import Floats, FrameTransformer, build_frame, check_fit
from .numeric_values import read_numbers


class DatetimeTransformer(FrameTransformer):
    """Takes year, month, … of each datetime and scales and imputes them as `ContinuousTransformer` does.

    Out come ``<column>_<part>`` for each column and part, then ``<column>_missing`` for each column that had missing
    values in `fit`. A part that is the same in all rows of `fit`, such as the hour of dates, carries no information and
    is dropped. A column without any value in `fit` leaves only its indicator.

    Parts are what the clock shows in the column's own time zone; in `transform` other zones are converted to it. A
    column with a zone and one without do not stand in for each other. Columns of Python dates and datetimes are read,
    text is not.

    Args:
        columns: The names of the columns.
        parts: Which parts to take, out of ``DATETIME_PARTS``.
        scaler: As in `ContinuousTransformer`.
        imputer: As in `ContinuousTransformer`.
        missing_indicator: Whether to add the ``_missing`` columns.

    Attributes:
        parts_: The pairs (column, part) that were kept.
        numbers_: The fitted `ContinuousTransformer` of the parts.
    """

    def __init__(
        self,
        columns: Sequence[Hashable],
        *,
        parts: Sequence[str] = ("year", "month", "day", "dayofweek", "hour"),
        scaler: Any = "standard",
        imputer: Any = "mean",
        missing_indicator: bool = True,
    ) -> None:
        self.columns = columns
        self.parts = parts
        self.scaler = scaler
        self.imputer = imputer
        self.missing_indicator = missing_indicator

    def fit(self, X: pd.DataFrame, y: object = None) -> DatetimeTransformer:  # noqa: N803
        """Learns the time zones, which parts vary, and their scaling.

        Args:
            X: At least one row.
            y: Ignored.

        Raises:
            TypeError: ``X`` is not a DataFrame, or ``columns`` is not a list.
            ValueError: A column is absent or holds no datetimes, there are no rows, or a part is not known.
        """
        unknown = [part for part in self.parts if part not in DATETIME_PARTS]
        if unknown:
            raise ValueError(f"unknown datetime parts {unknown}; known are {list(DATETIME_PARTS)}")
        columns = check_fit(X, self.columns)
        self.zones_: dict[Hashable, tzinfo | None] = {}
        self.indicated_: list[Hashable] = []
        self.parts_: list[tuple[Hashable, str]] = []
        kept = []
        for column in columns:
            moments = read_datetimes(X[column])
            self.zones_[column] = moments.dt.tz
            if self.missing_indicator and moments.isna().any():
                self.indicated_.append(column)
            for part in dict.fromkeys(self.parts):
                row = np.empty(len(X))
                read_numbers(take_part(moments, part), row)
                # comparisons with NaN are false, so a part that is never there is dropped too
                if np.fmin.reduce(row) < np.fmax.reduce(row):
                    self.parts_.append((column, part))
                    kept.append(row)
        names = self._part_names()
        numbers = ContinuousTransformer(names, scaler=self.scaler, imputer=self.imputer, missing_indicator=False)
        self.numbers_ = numbers.fit(build_frame(np.array(kept).reshape(len(names), len(X)), names, X.index))
        return self

    def input_columns(self) -> list[Hashable]:
        return list(self.zones_)

    def feature_names(self) -> list[str]:
        return unique_names([*self._part_names(), *(f"{column}_missing" for column in self.indicated_)])

    def fill(self, frame: pd.DataFrame, out: Floats) -> None:
        moments = {column: convert_zone(read_datetimes(frame[column]), zone) for column, zone in self.zones_.items()}
        values = np.empty((len(self.parts_), len(frame)))
        for row, (column, part) in zip(values, self.parts_, strict=True):
            read_numbers(take_part(moments[column], part), row)
        self.numbers_.fill(build_frame(values, self._part_names(), frame.index), out[: len(values)])
        for row, column in zip(out[len(values) :], self.indicated_, strict=True):
            row[:] = moments[column].isna()

    def _part_names(self) -> list[str]:
        return unique_names(f"{column}_{part}" for column, part in self.parts_)
