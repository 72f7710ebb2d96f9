"""The row groups of parquet files, which are the shards of a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DatasetError, TaskDefinitionError
from ..tables.parquet_part import ParquetPart
from ..tables.table import Table, open_table


@dataclass(frozen=True)
class RowGroup:
    """A part of a parquet file that is read by itself.

    Attributes:
        path: The file.
        number: Which of the file's row groups it is, from 0, as ``pyarrow.parquet.ParquetFile.read_row_group`` counts.
        first_row: The position of its first row in the whole dataset, from 0.
        row_count: How many rows it has.
    """

    path: Path
    number: int
    first_row: int
    row_count: int


def list_row_groups(data: str | Path) -> list[RowGroup]:
    """Lists the row groups of a parquet file, or of all files of a folder in the order of their paths.

    Only the files' footers are read. Row groups without rows are left out.

    Raises:
        DatasetError: If there is no such file or folder, a file is no parquet file, or there are no rows.
    """
    return find_row_groups(open_parquet(data))


def shard_row_groups(groups: Sequence[RowGroup], host: int, host_count: int) -> list[RowGroup]:
    """Returns the row groups of one of several machines: each ``host_count``-th one, from number ``host`` on.

    Which rows make a row group does not depend on the number of machines, and each has a row group at least.

    Args:
        groups: Those of the dataset, as :func:`list_row_groups` returns them.
        host: Which machine, from 0.
        host_count: How many there are.

    Raises:
        TaskDefinitionError: If there is no such machine.
        DatasetError: If there are more machines than row groups.
    """
    if not 0 <= host < host_count:
        raise TaskDefinitionError(f"there is no machine {host} of {host_count}; machines are numbered from 0")
    if host_count > len(groups):
        raise DatasetError(
            f"{host_count} machines cannot share {len(groups)} row groups; use {len(groups)} at most, or write the "
            "dataset with smaller row groups (row_group_size)"
        )
    return list(groups[host::host_count])


def open_parquet(data: "str | Path | None") -> Table:
    """Opens a dataset of parquet files.

    Raises:
        DatasetError: If there is none, or it is of another kind.
    """
    if data is None:
        raise DatasetError(
            "this task needs a dataset and none is given; set `dataset` to a parquet file, or a folder of them"
        )
    if not isinstance(data, (str, Path)):
        raise DatasetError(
            f"batches cannot be read from a {type(data).__name__}; give the path of a parquet file, or of a folder of "
            "them, or use SingleFrameTrainingTask"
        )
    path = Path(data)
    if not path.exists():
        raise DatasetError(f"the dataset {str(path)!r} does not exist; check the path, or prepare the data first")
    table = open_table(path)
    if other := [part.name for part in table.parts if not isinstance(part, ParquetPart)]:
        raise DatasetError(
            f"batches are read from parquet files only, and {other[0]!r} of the dataset {str(path)!r} is none; convert "
            "it with pandas.read_csv and DataFrame.to_parquet"
        )
    return table


def find_row_groups(table: Table) -> list[RowGroup]:
    """Does :func:`list_row_groups` for a dataset that is open."""
    groups, first_row = [], 0
    for part in table.parts:
        assert isinstance(part, ParquetPart)
        for number in range(part.metadata.num_row_groups):
            if row_count := int(part.metadata.row_group(number).num_rows):
                groups.append(RowGroup(part.path, number, first_row, row_count))
                first_row += row_count
    if not groups:
        raise DatasetError(f"the dataset {str(table.path)!r} has no rows; give one that holds data")
    return groups
