"""Row groups, and which machine reads which."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tg.common import DatasetError, TaskDefinitionError
from tg.common.ml.incremental_training import RowGroup, list_row_groups, shard_row_groups


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of 25 and 10 rows, in row groups of 10, and one without rows."""
    for name, rows in (("b.parquet", 10), ("a.parquet", 25), ("c.parquet", 0)):
        pq.write_table(pa.table({"x": pa.array(range(rows), pa.int64())}), tmp_path / name, row_group_size=10)
    return tmp_path


def test_row_groups_are_those_of_all_files_in_order(folder: Path) -> None:
    a, b = folder / "a.parquet", folder / "b.parquet"
    assert list_row_groups(folder) == [
        RowGroup(a, 0, 0, 10), RowGroup(a, 1, 10, 10), RowGroup(a, 2, 20, 5), RowGroup(b, 0, 25, 10)
    ]  # fmt: skip
    assert list_row_groups(str(b)) == [RowGroup(b, 0, 0, 10)]


def test_each_row_group_is_read_by_one_machine(folder: Path) -> None:
    groups = list_row_groups(folder)
    assert shard_row_groups(groups, 0, 1) == groups
    assert [[each.first_row for each in shard_row_groups(groups, host, 3)] for host in range(3)] == [
        [0, 25],
        [10],
        [20],
    ]


def test_more_machines_than_row_groups_are_refused(folder: Path) -> None:
    groups = list_row_groups(folder)
    with pytest.raises(DatasetError, match=r"^5 machines cannot share 4 row groups; use 4 at most, or write"):
        shard_row_groups(groups, 0, 5)
    with pytest.raises(TaskDefinitionError, match="there is no machine 2 of 2; machines are numbered from 0"):
        shard_row_groups(groups, 2, 2)


def test_what_has_no_row_groups_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match="none is given; set `dataset` to a parquet file, or a folder of them"):
        list_row_groups(None)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="does not exist; check the path, or prepare the data first"):
        list_row_groups(folder / "d.parquet")
    with pytest.raises(DatasetError, match="has no rows; give one that holds data"):
        list_row_groups(folder / "c.parquet")
    (folder / "d.csv").write_text("x\n1\n")
    with pytest.raises(DatasetError, match=r"batches are read from parquet files only, and 'd\.csv' of the dataset"):
        list_row_groups(folder / "d.csv")
    with pytest.raises(DatasetError, match="batches cannot be read from a list; give the path of a parquet file"):
        list_row_groups([folder])  # type: ignore[arg-type]
