"""Reads a dataset window by window, in an order that a seed fixes."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..tables.parquet_part import ParquetPart
from ..tables.table import Table
from .row_groups import RowGroup

Positions = npt.NDArray[np.int64]

# A sample is of the first rows of so many row groups.
_SAMPLED_GROUPS = 32
# How many rows are in memory together, beside those of the sample, while it is read.
_SAMPLED_AT_ONCE = 10_000
# How many rows are read for each one of the sample, at most, in search of a rare kind.
_MOST_READ = 100


@dataclass(frozen=True)
class Window:
    """Rows that are in memory together.

    Attributes:
        rows: An Arrow table.
        positions: Where each row is in the dataset.
    """

    rows: Any
    positions: Positions

    def take(self, chosen: "npt.NDArray[np.integer[Any]]") -> "Window":
        """Returns the rows at these indices, in their order."""
        return Window(self.rows.take(chosen), self.positions[chosen])


@dataclass
class _Kind:
    """What is kept of one kind of rows for a sample."""

    lacking: int
    most: int
    due: int = 0
    kept: list[Window] = field(default_factory=list)

    def begin_group(self) -> None:
        self.due = min(self.lacking, self.most)

    def keep(self, window: Window, is_chosen: Any) -> None:
        chosen = np.flatnonzero(is_chosen)[: self.due]
        if len(chosen):
            self.kept.append(window.take(chosen))
            self.due -= len(chosen)
            self.lacking -= len(chosen)


class WindowReader:
    """Reads row groups one after the other, as windows of the same number of rows.

    Args:
        table: The dataset, with the columns that are needed.
        groups: The row groups to read.
        size: How many rows a window has; the last one of a pass has fewer.
        seed: Fixes the orders; ``None`` to read in the order of the files.
        as_is: Columns to leave as they are in the files.
    """

    def __init__(
        self,
        table: Table,
        groups: Sequence[RowGroup],
        size: int,
        seed: int | None,
        as_is: Collection[str] = (),
    ) -> None:
        self._table = table
        self._groups = list(groups)
        self._size = size
        self._seed = seed
        self._as_is = as_is
        self._parts = {part.path: part for part in table.parts if isinstance(part, ParquetPart)}

    @property
    def row_count(self) -> int:
        """How many rows a pass has."""
        return sum(group.row_count for group in self._groups)

    def read(self, epoch: int, first: int = 0) -> Iterator[Window]:
        """Yields the windows of a pass, from the number ``first`` on; what precedes it is hardly read."""
        order: Sequence[int] = range(len(self._groups))
        if self._seed is not None:
            order = np.random.default_rng([self._seed, epoch, 0]).permutation(len(self._groups)).tolist()
        skipped = first * self._size
        gathered: list[Window] = []
        lacking = self._size
        for group in (self._groups[number] for number in order):
            if skipped >= group.row_count:
                skipped -= group.row_count
                continue
            for piece in self._read_group(group, skipped):
                while len(piece.positions) >= lacking:
                    yield _join([*gathered, _slice(piece, 0, lacking)])
                    piece = _slice(piece, lacking)
                    gathered, lacking = [], self._size
                if len(piece.positions):
                    gathered.append(piece)
                    lacking -= len(piece.positions)
            skipped = 0
        if gathered:
            yield _join(gathered)

    def shuffle(self, indices: "npt.NDArray[np.integer[Any]]", epoch: int, number: int) -> Any:
        """Returns the indices of a window's rows in the order in which they are learned from."""
        if self._seed is None:
            return indices
        return np.random.default_rng([self._seed, epoch, number + 1]).permutation(indices)

    def sample(
        self, counts: Sequence[int], find_kinds: Callable[[Window], "npt.NDArray[Any]"]
    ) -> tuple[list[Window | None], int]:
        """Reads rows of each kind: the first ones of row groups that the seed chooses, in the dataset's order.

        Of each kind, there are all rows if the dataset has no more rows than are wanted of it. There may be fewer than
        are wanted if some row groups are much smaller than others, or if the kind is so rare that too many rows would
        be read. Only rows of the sample stay in memory.

        Args:
            counts: How many rows of each kind are wanted.
            find_kinds: Returns the number of each row's kind, which is its place in ``counts``.

        Returns:
            The rows of each kind, ``None`` if none is found; and how many rows were read.
        """
        order = np.random.default_rng(self._seed or 0).permutation(len(self._groups))
        spread = min(len(order), _SAMPLED_GROUPS)
        kinds = [_Kind(count, -(-count // spread) if self.row_count > count else count) for count in counts]
        read = 0
        for group in (self._groups[number] for number in order):
            for kind in kinds:
                kind.begin_group()
            for piece in self._read_group(group, at_once=min(self._size, _SAMPLED_AT_ONCE)):
                numbers = find_kinds(piece)
                for number, kind in enumerate(kinds):
                    kind.keep(piece, numbers == number)
                read += len(piece.positions)
                if not any(kind.due for kind in kinds) or read >= sum(counts) * _MOST_READ:
                    break
            if not any(kind.lacking for kind in kinds) or read >= sum(counts) * _MOST_READ:
                break
        return [_join(sorted(kind.kept, key=_find_start)) if kind.kept else None for kind in kinds], read

    def _read_group(self, group: RowGroup, skipped: int = 0, at_once: int | None = None) -> Iterator[Window]:
        start, part = group.first_row, self._parts[group.path]
        for rows in self._table.read_batches(part, group.number, at_once or self._size, self._as_is):
            piece = Window(rows, np.arange(start, start + len(rows)))
            start += len(rows)
            left_out = min(skipped, len(rows))
            skipped -= left_out
            if left_out < len(rows):
                yield _slice(piece, left_out)


def _find_start(window: Window) -> int:
    return int(window.positions[0])


def _slice(window: Window, start: int, count: int | None = None) -> Window:
    return Window(window.rows.slice(start, count), window.positions[start : None if count is None else start + count])


def _join(windows: Sequence[Window]) -> Window:
    if len(windows) == 1:
        return windows[0]
    rows = pa.concat_tables([each.rows for each in windows], promote_options="permissive")
    return Window(rows, np.concatenate([each.positions for each in windows]))
