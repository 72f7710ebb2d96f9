"""Splitters: which rows a model learns from and which it is measured on."""

import contextlib
import numbers
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...errors import DatasetError, TaskDefinitionError, listed
from ..tables import ColumnTypeError, read_column

Positions: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """One division of a frame.

    Attributes:
        train: Positions (not labels) of the rows to learn from, so that repeated index labels do no harm.
        tests: Positions of the rows to measure on, by stage name. The stage ``train`` is always measured besides, so
            no test stage may have this name.
    """

    train: Positions
    tests: dict[str, Positions]

    def __post_init__(self) -> None:
        if "train" in self.tests:
            raise TaskDefinitionError("a test stage is named 'train', as the rows learned from are; rename the stage")


class Splitter(ABC):
    """Divides a frame one or several times."""

    @abstractmethod
    def split(self, frame: pd.DataFrame) -> list[Split]:
        """Divides ``frame``, the same way each time for the same rows.

        Raises:
            DatasetError: If the frame cannot be divided as asked.
        """

    def get_stages(self) -> list[str]:
        """Returns the names of the test stages, as far as they are known without data."""
        return ["test"]

    def get_split_count(self) -> int | None:
        """Returns how many splits there will be; ``None`` if that depends on the data."""
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
        stratify_by: A column whose values get the same shares in each part; a missing value counts as one more value.
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
        self.fold_count = fold_count
        self.test_size = test_size
        self.seed = seed
        self.stratify_by = stratify_by
        self.test_name = test_name
        self._check()

    def _check(self) -> None:
        check_count("fold_count", self.fold_count)
        check_test_size(self.test_size)

    def split(self, frame: pd.DataFrame) -> list[Split]:
        # 80 MB that a launcher, which splits nothing, does not need.
        from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

        self._check()  # once more: hyperparameters may have changed it since it was made
        rows = _all_rows(frame)
        strata = None
        if self.stratify_by is not None:
            strata = pd.factorize(get_split_column(frame, self.stratify_by), use_na_sentinel=False)[0]
        try:
            if self.fold_count == 1:
                share = float(self.test_size)
                parts = [train_test_split(rows, test_size=share, random_state=self.seed, stratify=strata)]
            else:
                folds = (KFold if strata is None else StratifiedKFold)(
                    self.fold_count, shuffle=True, random_state=self.seed
                )
                parts = list(folds.split(rows, strata))
        except ValueError as error:
            asked = f"test_size {self.test_size}" if self.fold_count == 1 else f"fold_count {self.fold_count}"
            strata_column = "" if self.stratify_by is None else f" and stratify_by {self.stratify_by!r}"
            cause = " ".join(str(error).split()).rstrip(".")
            raise DatasetError(
                f"{len(frame)} rows cannot be divided with {asked}{strata_column}: {cause}; change these or the data"
            ) from error
        return [Split(np.asarray(train), {self.test_name: np.asarray(test)}) for train, test in parts]

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return self.fold_count


class PredefinedSplitter(Splitter):
    """A column says where each row belongs.

    Args:
        split_column: The column.
        train_value: Its value in the rows to learn from; of times, a text such as ``"2024-01-31"`` does, too. Every
            other value is the name of a test stage; rows without a value are left out.
    """

    def __init__(self, split_column: str, train_value: Any = "train") -> None:
        self.split_column = split_column
        self.train_value = train_value

    def split(self, frame: pd.DataFrame) -> list[Split]:
        values = get_split_column(frame, self.split_column)
        present = values.dropna().unique().tolist()
        train_value = self.train_value
        if pd.api.types.is_datetime64_any_dtype(values):
            with contextlib.suppress(TypeError, ValueError):  # then no row has it, which is said
                train_value = as_moment(values, train_value)
        if train_value not in present:
            raise DatasetError(
                f"no row has {self.train_value!r} in split column {self.split_column!r}, which holds "
                f"{listed(present)}; name one of these as train_value"
            )
        positions = {value: np.flatnonzero((values == value).fillna(False).astype(bool)) for value in present}
        train = positions.pop(train_value)
        return [Split(train, {_stage_name(value): rows for value, rows in positions.items()})]

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
    """Divides the training part of each split again.

    Each split of ``outer`` keeps its test stages; ``inner`` divides its training part and adds its own test stages,
    such as a validation set. A stage of ``inner`` whose name is taken in ``outer``, in whichever split, becomes
    ``inner_<name>``.
    """

    def __init__(self, outer: Splitter, inner: Splitter) -> None:
        self.outer = outer
        self.inner = inner

    def split(self, frame: pd.DataFrame) -> list[Split]:
        splits, outer_stages = [], self.outer.get_stages()
        for outer in self.outer.split(frame):
            for inner in self.inner.split(frame.iloc[outer.train]):
                tests = dict(outer.tests)
                for name, positions in inner.tests.items():
                    tests[_free_name(name, {*outer_stages, *tests})] = outer.train[positions]
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


def _stage_name(value: Any) -> str:
    is_day = isinstance(value, pd.Timestamp) and value.tzinfo is None and value == value.normalize()
    return value.date().isoformat() if is_day else str(value)


def _all_rows(frame: pd.DataFrame) -> Positions:
    return np.arange(len(frame))


def get_split_column(frame: pd.DataFrame, name: str, role: str = "column", use: str = "split by") -> "pd.Series[Any]":
    """Returns the column to split by, as `read_column` reads it; times are taken out of categories.

    Args:
        frame: The data.
        name: The column.
        role: What it is called in messages.
        use: What it cannot be, if it has no such reading.

    Raises:
        DatasetError: If there is none of this name, or its values are of a type that is not known, or of several.
    """
    if name not in frame.columns:
        raise DatasetError(f"the data have no column {name!r} to split by; they have {listed(frame.columns)}")
    column = frame[name]
    if column.dtype.kind in "iu":  # where one is missing, stages are to be named by whole numbers nevertheless
        return column
    try:
        read = read_column(column)
    except ColumnTypeError as error:
        raise DatasetError(
            f"{role} {name!r} ({column.dtype}) cannot be {use}: it {error}; convert it to numbers, text or times"
        ) from error
    is_category = isinstance(read.dtype, pd.CategoricalDtype)
    return read.astype(read.cat.categories.dtype) if is_category and read.cat.categories.dtype.kind == "M" else read


def as_moment(times: "pd.Series[Any]", value: Any) -> Any:
    """Converts ``value``, a text, date or time, to a moment beside ``times``; without a zone, it is in theirs.

    Raises:
        ValueError: It means none.
    """
    moment = pd.Timestamp(value)
    zone = times.dt.tz
    return moment.tz_localize(zone) if zone is not None and moment.tzinfo is None else moment


def check_count(name: str, value: Any) -> None:
    """Raises TaskDefinitionError unless ``value`` is a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise TaskDefinitionError(f"{name} is {value!r}; give a whole number from 1")


def check_test_size(value: Any) -> None:
    """Raises TaskDefinitionError unless ``value`` is a share."""
    if not isinstance(value, numbers.Real) or not 0 < float(value) < 1:
        raise TaskDefinitionError(f"test_size is {value!r}; give a share between 0 and 1, such as 0.3")
