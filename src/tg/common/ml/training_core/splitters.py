"""Which rows a model learns from and which it is measured on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from ...errors import DatasetError, TaskDefinitionError, listed

Positions: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """One division of a frame.

    Attributes:
        train: Positions (not labels) of the rows to learn from, so that repeated index labels do no harm.
        tests: Positions of the rows to measure on, by stage name. The stage ``train`` is always measured besides.
    """

    train: Positions
    tests: dict[str, Positions]


class Splitter(ABC):
    """Divides a frame one or several times."""

    @abstractmethod
    def split(self, frame: pd.DataFrame) -> list[Split]:
        """Divides ``frame``, the same way each time for the same rows.

        Raises:
            DatasetError: If the frame cannot be divided as asked.
        """

    def get_stages(self) -> list[str]:
        """The names of the test stages, as far as they are known without data."""
        return ["test"]

    def get_split_count(self) -> int | None:
        """How many splits there will be; ``None`` where that depends on the data."""
        return None


class IdentitySplitter(Splitter):
    """All rows are learned from and none is held back: for the final model."""

    def split(self, frame: pd.DataFrame) -> list[Split]:
        return [Split(_all_rows(frame), {})]

    def get_stages(self) -> list[str]:
        return []

    def get_split_count(self) -> int:
        return 1


class FoldSplitter(Splitter):
    """Random divisions.

    Args:
        fold_count: With 1, a single random division by ``test_size``; with more, a cross-validation in which each row
            is tested once.
        test_size: The tested share of the rows, between 0 and 1; not used by a cross-validation.
        seed: Fixes the division.
        stratify_by: A column whose values get the same shares in each part.
        test_name: The stage's name.
    """

    def __init__(
        self,
        fold_count: int = 1,
        test_size: float = 0.3,
        seed: int = 0,
        stratify_by: str | None = None,
        test_name: str = "test",
    ) -> None:
        if not isinstance(fold_count, int) or fold_count < 1:
            raise TaskDefinitionError(f"fold_count is {fold_count!r}; give a whole number from 1")
        if not 0 < test_size < 1:
            raise TaskDefinitionError(f"test_size is {test_size!r}; give a share between 0 and 1, such as 0.3")
        self.fold_count = fold_count
        self.test_size = test_size
        self.seed = seed
        self.stratify_by = stratify_by
        self.test_name = test_name

    def split(self, frame: pd.DataFrame) -> list[Split]:
        rows = _all_rows(frame)
        strata = None if self.stratify_by is None else _column(frame, self.stratify_by).astype(str).to_numpy()
        try:
            if self.fold_count == 1:
                parts = [train_test_split(rows, test_size=self.test_size, random_state=self.seed, stratify=strata)]
            else:
                folds = (KFold if strata is None else StratifiedKFold)(
                    self.fold_count, shuffle=True, random_state=self.seed
                )
                parts = list(folds.split(rows, strata))
        except ValueError as error:
            raise DatasetError(f"{len(frame)} rows cannot be divided into folds: {error}") from error
        return [Split(np.asarray(train), {self.test_name: np.asarray(test)}) for train, test in parts]

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return self.fold_count


class OneTimeSplitter(Splitter):
    """One division in time: learn from the past, test on what came later.

    Args:
        time_column: A column of times (or of numbers that order the rows).
        split_time: The first tested moment. By default it is chosen so that about ``test_size`` of the rows, the
            latest, are tested; rows of one moment stay together.
        test_size: A share between 0 and 1, used without ``split_time``.
        test_name: The stage's name.
    """

    def __init__(
        self, time_column: str, split_time: Any = None, test_size: float = 0.3, test_name: str = "test"
    ) -> None:
        if not 0 < test_size < 1:
            raise TaskDefinitionError(f"test_size is {test_size!r}; give a share between 0 and 1, such as 0.3")
        self.time_column = time_column
        self.split_time = split_time
        self.test_size = test_size
        self.test_name = test_name

    def split(self, frame: pd.DataFrame) -> list[Split]:
        times = _times(frame, self.time_column)
        if self.split_time is None:
            ordered = times.sort_values()
            moment = ordered.iloc[len(ordered) - max(1, round(len(ordered) * self.test_size))]
        else:
            moment = _moment(times, self.split_time)
        tested = (times >= moment).to_numpy()
        if tested.all() or not tested.any():
            side = "before" if tested.all() else "at or after"
            raise DatasetError(
                f"no row is {side} {moment} in time column {self.time_column!r}, which runs from {times.min()} to "
                f"{times.max()}; choose another split_time"
            )
        return [Split(np.flatnonzero(~tested), {self.test_name: np.flatnonzero(tested)})]

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return 1


class TimeSplitter(Splitter):
    """Several divisions in time, each testing the span that follows what it learns from.

    The last span ends at the latest row; earlier ones end ``test_span`` earlier each. The splits come in order of time.

    Args:
        time_column: A column of times.
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
        if not isinstance(split_count, int) or split_count < 1:
            raise TaskDefinitionError(f"split_count is {split_count!r}; give a whole number from 1")
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
            splits.append(Split(np.flatnonzero(train), {self.test_name: np.flatnonzero(test)}))
        return splits

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return self.split_count


class PredefinedSplitter(Splitter):
    """A column says where each row belongs.

    Args:
        split_column: The column.
        train_value: Its value in the rows to learn from. Every other value is the name of a test stage; rows without
            a value are left out.
    """

    def __init__(self, split_column: str, train_value: Any = "train") -> None:
        self.split_column = split_column
        self.train_value = train_value

    def split(self, frame: pd.DataFrame) -> list[Split]:
        values = _column(frame, self.split_column)
        present = values.dropna().unique().tolist()
        if self.train_value not in present:
            raise DatasetError(
                f"no row has {self.train_value!r} in split column {self.split_column!r}, which holds "
                f"{listed(present)}; name one of these as train_value"
            )
        positions = {value: np.flatnonzero((values == value).fillna(False).astype(bool)) for value in present}
        train = positions.pop(self.train_value)
        return [Split(train, {str(value): rows for value, rows in positions.items()})]

    def get_split_count(self) -> int:
        return 1


class UnionSplitter(Splitter):
    """All splits of several splitters, one after the other."""

    def __init__(self, splitters: Sequence[Splitter]) -> None:
        if not splitters:
            raise TaskDefinitionError("UnionSplitter got no splitters; give at least one")
        self.splitters = list(splitters)

    def split(self, frame: pd.DataFrame) -> list[Split]:
        return [split for splitter in self.splitters for split in splitter.split(frame)]

    def get_stages(self) -> list[str]:
        return list(dict.fromkeys(stage for splitter in self.splitters for stage in splitter.get_stages()))

    def get_split_count(self) -> int | None:
        counts = [splitter.get_split_count() for splitter in self.splitters]
        return None if None in counts else sum(count for count in counts if count is not None)


class CompositionSplitter(Splitter):
    """Divides the training part of each split once more.

    Each split of ``outer`` keeps its test stages; ``inner`` divides its training part and adds its own test stages,
    such as a validation set. A stage of ``inner`` whose name is taken becomes ``inner_<name>``.
    """

    def __init__(self, outer: Splitter, inner: Splitter) -> None:
        self.outer = outer
        self.inner = inner

    def split(self, frame: pd.DataFrame) -> list[Split]:
        splits = []
        for outer in self.outer.split(frame):
            for inner in self.inner.split(frame.iloc[outer.train]):
                tests = dict(outer.tests)
                for name, positions in inner.tests.items():
                    tests[_free_name(name, tests)] = outer.train[positions]
                splits.append(Split(outer.train[inner.train], tests))
        return splits

    def get_stages(self) -> list[str]:
        stages = self.outer.get_stages()
        for name in self.inner.get_stages():
            stages = [*stages, _free_name(name, stages)]
        return stages

    def get_split_count(self) -> int | None:
        outer, inner = self.outer.get_split_count(), self.inner.get_split_count()
        return None if outer is None or inner is None else outer * inner


def _free_name(name: str, taken: Any) -> str:
    while name in taken:
        name = f"inner_{name}"
    return name


def _all_rows(frame: pd.DataFrame) -> Positions:
    return np.arange(len(frame))


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if name not in frame.columns:
        raise DatasetError(f"the data have no column {name!r} to split by; they have {listed(frame.columns)}")
    return frame[name]


def _times(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    times = _column(frame, name)
    if missing := int(times.isna().sum()):
        raise DatasetError(f"time column {name!r} has no value in {missing} of {len(times)} rows; fill or drop them")
    return times


def _moment(times: "pd.Series[Any]", value: Any) -> Any:
    if not pd.api.types.is_datetime64_any_dtype(times):
        return value
    moment = pd.Timestamp(value)
    zone = times.dt.tz
    return moment.tz_localize(zone) if zone is not None and moment.tzinfo is None else moment
