"""The rows of a dataset as a training on batches sees them: those to learn from, and a sample of both kinds."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...errors import DatasetError
from ..single_frame_training import DataFrameLoader, LabelledFrame
from ..tables.table import Table
from .hash_split import HashSplit
from .reading_ahead import reading_ahead
from .row_groups import find_row_groups
from .window_reader import Window, WindowReader


@dataclass(frozen=True)
class SampleSize:
    """How many rows a sample has at most.

    Attributes:
        train: Of those to learn from.
        test: Of those to test on.
    """

    train: int
    test: int


@dataclass(frozen=True)
class Sample:
    """Rows of both kinds.

    Attributes:
        train: Rows to learn from.
        test: Rows to test on, unless none are tested.
        read_count: How many rows were read to find these.
    """

    train: LabelledFrame
    test: LabelledFrame | None
    read_count: int


class TrainingData:
    """A dataset of parquet files, of which a window at a time is in memory.

    Frames have the rows' positions in the dataset as index.

    Args:
        table: The dataset.
        loader: Makes of each window what a model learns from.
        split: Which rows are tested.
        window_rows: How many rows are in memory together.
        seed: Fixes the order of the rows; ``None`` for that of the files.

    Attributes:
        row_count: How many rows there are, of both kinds.
        group_count: How many row groups there are.
        window_rows: How many rows are in memory together.
    """

    def __init__(
        self, table: Table, loader: DataFrameLoader, split: HashSplit, window_rows: int, seed: int | None
    ) -> None:
        names = table.list_columns()
        split.check_columns(table.schema.names)
        self._loader = loader
        self._split = split
        self._learned = loader.find_columns(names)
        self._table = table.select({*self._learned, *split.columns})
        groups = find_row_groups(table)
        self._reader = WindowReader(self._table, groups, window_rows, seed, loader.as_is)
        self.group_count = len(groups)
        self.row_count = self._reader.row_count
        self.window_rows = window_rows

    def read(self, epoch: int, first: int = 0) -> Iterator[LabelledFrame | None]:
        """Yields the rows to learn from of each window of a pass, in order; ``None`` for a window without any.

        A thread reads the next window meanwhile.

        Args:
            epoch: The number of the pass, each of which has an order of its own.
            first: The number of the first window.

        Raises:
            DatasetError: If the data are unfit.
        """
        return reading_ahead(self._read(epoch, first))

    def _read(self, epoch: int, first: int) -> Iterator[LabelledFrame | None]:
        for number, window in enumerate(self._reader.read(epoch, first), start=first):
            learned = np.flatnonzero(~self._find_tested(window))
            yield self._load(window.take(self._reader.shuffle(learned, epoch, number))) if len(learned) else None

    def sample(self, size: SampleSize) -> Sample:
        """Reads a sample of the rows to learn from, and of those to test on, if there are any.

        Which rows to learn from it has does not depend on how many are to test on.

        Raises:
            DatasetError: If there are none of a kind, or the data are unfit.
        """
        counts = [size.train, size.test] if self._split.test_share else [size.train]
        found, read_count = self._reader.sample(counts, self._find_tested)
        frames: list[LabelledFrame] = []
        for window, what in zip(found, ("learn from", "test on"), strict=False):
            if window is None:
                raise DatasetError(
                    f"of {read_count} rows that were read for the sample, the split leaves none to {what}; give "
                    "another test_share or seed, or a key with more values"
                )
            frames.append(self._load(window))
        return Sample(frames[0], frames[1] if len(frames) > 1 else None, read_count)

    def _find_tested(self, window: Window) -> "npt.NDArray[np.bool_]":
        return self._split.find_tested(window.rows, window.positions)

    def _load(self, window: Window) -> LabelledFrame:
        frame = self._table.make_frame([window.rows.select(self._learned)], self._loader.as_is)
        frame.index = pd.Index(window.positions)
        return self._loader.load(frame)
