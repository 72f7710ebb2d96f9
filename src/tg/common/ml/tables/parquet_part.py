"""A parquet file of a table."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import dataset, fs, parquet

from .table_part import TablePart

# Of a file that is read from its start. In pieces of five rows, 500,000 rows would take six seconds to pass by.
_ROWS_AT_ONCE = 1000
# Of each column, while a row group is read batch by batch: it is not in memory as a whole.
_BUFFER_BYTES = 1 << 20


class ParquetPart(TablePart):
    """A parquet file; only its footer is read before `read`."""

    format_name = "parquet"
    advice = "write it with DataFrame.to_parquet"

    def _open(self) -> Any:
        with parquet.ParquetFile(self.path) as file:
            self.metadata = file.metadata
            return file.schema_arrow

    def read(self) -> Any:
        with self.naming_what_fails(), parquet.ParquetFile(self.path, metadata=self.metadata, pre_buffer=True) as file:
            return file.read()

    def read_first(self, count: int) -> Any:
        # By row groups: a scanner of the whole has read gigabytes ahead before it gives the first rows.
        options = dataset.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
        found = [self.schema.empty_table()]
        with self.naming_what_fails():
            for group in (
                dataset.ParquetFileFormat().make_fragment(str(self.path), fs.LocalFileSystem()).split_by_row_group()
            ):
                if sum(map(len, found)) == count:
                    break
                scanner = group.scanner(
                    batch_size=max(count, _ROWS_AT_ONCE),
                    batch_readahead=0,
                    fragment_readahead=0,
                    use_threads=False,
                    fragment_scan_options=options,
                )
                found.append(scanner.head(count - sum(map(len, found))))
        return pa.concat_tables(found, promote_options="permissive")

    def read_batches(self, row_group: int, columns: Sequence[str], count: int) -> Iterator[Any]:
        """Yields the rows of a row group as record batches of ``count`` rows; the last one has fewer.

        Raises:
            DatasetError: It cannot be read.
        """
        with (
            self.naming_what_fails(),
            parquet.ParquetFile(self.path, metadata=self.metadata, buffer_size=_BUFFER_BYTES) as file,
        ):
            yield from file.iter_batches(count, [row_group], list(columns))

    def count_rows(self) -> int:
        return int(self.metadata.num_rows)

    def find_incomplete_columns(self) -> set[str]:
        names, incomplete = set(self.schema.names), set()
        for number in range(self.metadata.num_row_groups):
            group = self.metadata.row_group(number)
            for column in map(group.column, range(group.num_columns)):
                statistics = column.statistics
                if statistics is None or not statistics.has_null_count or statistics.null_count:
                    parts = column.path_in_schema.split(".")  # of a nested column's parts; a name may have dots, too
                    paths = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
                    incomplete.add(next((path for path in paths if path in names), parts[0]))
        return incomplete
