"""A parquet file of a table."""

from typing import Any

from pyarrow import parquet

from .table_part import TablePart


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
