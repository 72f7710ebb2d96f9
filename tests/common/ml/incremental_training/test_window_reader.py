"""Windows of rows, in an order that a seed fixes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tg.common.ml.incremental_training.row_groups import find_row_groups, open_parquet
from tg.common.ml.incremental_training.window_reader import WindowReader

# In row groups of 7 rows; the second file has another type, and its row groups are not those of the first.
SIZES = {"a.parquet": 20, "b.parquet": 15}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start = 0
    for name, rows in SIZES.items():
        kind = pa.int64() if name == "a.parquet" else pa.int32()
        pq.write_table(pa.table({"x": pa.array(range(start, start + rows), kind)}), tmp_path / name, row_group_size=7)
        start += rows
    return tmp_path


def open_reader(folder: Path, size: int, seed: int | None) -> WindowReader:
    table = open_parquet(folder)
    return WindowReader(table, find_row_groups(table), size, seed)


def read(reader: WindowReader, epoch: int, first: int = 0) -> list[list[int]]:
    windows = list(reader.read(epoch, first))
    for window in windows:
        assert window.rows["x"].to_pylist() == window.positions.tolist()
    return [window.positions.tolist() for window in windows]


def test_without_a_seed_rows_come_in_the_order_of_the_files(folder: Path) -> None:
    windows = read(open_reader(folder, 10, None), 0)
    assert windows == [list(range(start, min(start + 10, 35))) for start in (0, 10, 20, 30)]


@pytest.mark.parametrize("size", [1, 5, 7, 16, 35, 100])
def test_a_pass_has_each_row_once_in_windows_of_one_size(folder: Path, size: int) -> None:
    windows = read(open_reader(folder, size, 3), 0)
    assert sorted(row for window in windows for row in window) == list(range(35))
    assert {len(window) for window in windows[:-1]} <= {size}


def test_the_seed_and_the_pass_fix_the_order(folder: Path) -> None:
    assert read(open_reader(folder, 9, 3), 0) == read(open_reader(folder, 9, 3), 0)
    assert read(open_reader(folder, 9, 3), 0) != read(open_reader(folder, 9, 4), 0)
    assert read(open_reader(folder, 9, 3), 0) != read(open_reader(folder, 9, 3), 1)


def test_reading_goes_on_at_any_window(folder: Path) -> None:
    reader = open_reader(folder, 4, 3)
    whole = read(reader, 1)
    assert [read(reader, 1, first) for first in range(10)] == [whole[first:] for first in range(10)]


def test_rows_of_a_window_are_shuffled_by_seed_pass_and_number(folder: Path) -> None:
    reader, rows = open_reader(folder, 4, 3), np.arange(50)
    orders = {tuple(reader.shuffle(rows, epoch, number).tolist()) for epoch in range(2) for number in range(3)}
    assert len(orders) == 6
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(50))}
    assert open_reader(folder, 4, None).shuffle(rows, 0, 0).tolist() == list(range(50))


def sample(reader: WindowReader, *counts: int) -> tuple[list[list[int] | None], int]:
    """The positions in a sample of rows that are no multiples of 10, and of those that are."""
    found, read = reader.sample(counts, lambda window: (window.positions % 10 == 0).astype(int))
    return [None if window is None else window.positions.tolist() for window in found], read


def test_row_groups_are_not_shuffled_as_the_rows_of_a_window_are(folder: Path) -> None:
    reader = open_reader(folder, 7, 3)
    starts = [window[0] for window in read(open_reader(folder, 1, 3), 1) if window[0] in (0, 7, 14, 20, 27, 34)]
    groups = [(0, 7, 14, 20, 27, 34).index(start) for start in starts]
    assert sorted(groups) == list(range(6))
    assert reader.shuffle(np.arange(6), 1, 0).tolist() != groups


def test_a_sample_is_of_first_rows_of_each_kind_all_over_the_dataset(folder: Path) -> None:
    reader = open_reader(folder, 4, 0)
    rest = [row for row in range(35) if row % 10]
    assert sample(reader, 100, 100) == ([rest, [0, 10, 20, 30]], 35)
    # of six row groups, three rows each, which no other kind changes
    few = [1, 2, 3, 7, 8, 9, 14, 15, 16, 21, 22, 23, 27, 28, 29, 34]
    assert sample(reader, 18)[0] == [few]
    assert sample(reader, 18, 4)[0] == [few, [0, 10, 20, 30]]


def test_a_sample_looks_no_further_than_a_hundred_rows_for_each_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": range(1, 1000)}), tmp_path / "a.parquet")
    reader = open_reader(tmp_path, 50, None)
    found, read = reader.sample([2, 2], lambda window: (window.positions >= 398).astype(int))
    assert [None if window is None else window.positions.tolist() for window in found] == [[0, 1], [398, 399]]
    assert read == 400
    found, read = reader.sample([2, 2], lambda window: (window.positions >= 400).astype(int))
    assert (found[1], read) == (None, 400)
