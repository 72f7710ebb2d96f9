"""Divisions in time: learn from the past, test on what came later."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DatasetError, TaskDefinitionError
from .splitters import Split, Splitter, as_moment, check_count, check_test_size, get_split_column


class OneTimeSplitter(Splitter):
    """One division in time: learn from the past, test on what came later.

    Args:
        time_column: A column of dates or times (or of numbers that order the rows).
        split_time: The first tested moment. By default it is chosen so that about ``test_size`` of the rows, the
            latest, are tested; rows of one moment stay together.
        test_size: A share between 0 and 1, used without ``split_time``.
        test_name: The stage's name.
    """

    def __init__(
        self, time_column: str, split_time: Any = None, test_size: float = 0.3, test_name: str = "test"
    ) -> None:
        check_test_size(test_size)
        self.time_column = time_column
        self.split_time = split_time
        self.test_size = test_size
        self.test_name = test_name

    def split(self, frame: pd.DataFrame) -> list[Split]:
        check_test_size(self.test_size)  # once more: hyperparameters may have changed it since it was made
        times = _times(frame, self.time_column)
        try:
            moment = self._first_tested(times)
            tested = (times >= moment).to_numpy(dtype=bool)
        except (TypeError, ValueError) as error:
            done = "put in order" if self.split_time is None else f"divided at {self.split_time!r}"
            raise DatasetError(
                f"time column {self.time_column!r} ({times.dtype}) cannot be {done}: {' '.join(str(error).split())}; "
                f"convert it, or give a split_time like {times.iloc[0]}"
            ) from error
        if tested.all() or not tested.any():
            side = "before" if tested.all() else "at or after"
            raise DatasetError(
                f"no row is {side} {moment} in time column {self.time_column!r}, which runs from {times.min()} to "
                f"{times.max()}; choose another {'test_size' if self.split_time is None else 'split_time'}"
            )
        return [Split(np.flatnonzero(~tested), {self.test_name: np.flatnonzero(tested)})]

    def _first_tested(self, times: "pd.Series[Any]") -> Any:
        if self.split_time is not None:
            return _moment(times, self.split_time)
        ordered = times.sort_values()
        return ordered.iloc[len(ordered) - max(1, round(len(ordered) * self.test_size))]

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return 1


class TimeSplitter(Splitter):
    """Several divisions in time, each testing the span that follows what it learns from.

    The last span ends at the latest row; earlier ones end ``test_span`` earlier each. The splits come in order of time.

    Args:
        time_column: A column of dates or times.
        test_span: How much time each split tests.
        split_count: How many splits there are.
        train_span: How much time each split learns from; by default, all that came before.
        gap: Time left out between the two, where a label is known only later.
        test_name: The stage's name.
    """

    def __init__(
        self,
        time_column: str,
        test_span: timedelta,
        split_count: int = 3,
        train_span: timedelta | None = None,
        gap: timedelta = timedelta(0),
        test_name: str = "test",
    ) -> None:
        check_count("split_count", split_count)
        for name, span in (("test_span", test_span), ("train_span", train_span)):
            if span is not None and not (isinstance(span, timedelta) and span > timedelta(0)):
                raise TaskDefinitionError(f"{name} is {span!r}; give a positive timedelta, such as timedelta(days=7)")
        if not (isinstance(gap, timedelta) and gap >= timedelta(0)):
            raise TaskDefinitionError(f"gap is {gap!r}; give a timedelta that is not negative")
        self.time_column = time_column
        self.test_span = test_span
        self.split_count = split_count
        self.train_span = train_span
        self.gap = gap
        self.test_name = test_name

    def split(self, frame: pd.DataFrame) -> list[Split]:
        check_count("split_count", self.split_count)  # once more: hyperparameters may have changed it
        times = _times(frame, self.time_column)
        if not pd.api.types.is_datetime64_any_dtype(times):
            raise DatasetError(
                f"column {self.time_column!r} is {times.dtype}, not datetime; convert it, or order the "
                "rows by numbers with OneTimeSplitter"
            )
        latest, splits = times.max(), []
        for back in reversed(range(self.split_count)):
            end = latest - back * self.test_span
            start = end - self.test_span
            train = times <= start - self.gap
            if self.train_span is not None:
                train &= times > start - self.gap - self.train_span
            test = (times > start) & (times <= end)
            if not train.any() or not test.any():
                raise DatasetError(
                    f"{'nothing to learn from before' if not train.any() else 'nothing to test after'} {start} in time "
                    f"column {self.time_column!r}, which runs from {times.min()} to {latest}; "
                    f"take fewer splits than {self.split_count} or another test_span than {self.test_span}"
                )
            learned, tested = (np.flatnonzero(rows.to_numpy(dtype=bool)) for rows in (train, test))
            splits.append(Split(learned, {self.test_name: tested}))
        return splits

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return self.split_count


def _times(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    times = get_split_column(frame, name, "time column", "put in order")
    if times.empty:
        raise DatasetError(f"there are no rows to divide by time column {name!r}")
    if missing := int(times.isna().sum()):
        raise DatasetError(f"time column {name!r} has no value in {missing} of {len(times)} rows; fill or drop them")
    is_category = isinstance(times.dtype, pd.CategoricalDtype)
    return (
        times.astype(times.cat.categories.dtype) if is_category and times.cat.categories.dtype.kind in "iuf" else times
    )


def _moment(times: "pd.Series[Any]", value: Any) -> Any:
    return as_moment(times, value) if pd.api.types.is_datetime64_any_dtype(times) else value
