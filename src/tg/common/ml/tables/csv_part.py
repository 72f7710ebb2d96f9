"""A CSV file of a table."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from .table_part import TablePart

CSV_SUFFIXES = (".csv", ".tsv")
_COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4")
# Types are inferred from one block, so the file should be one; Arrow accepts no larger ones.
_LARGEST_BLOCK = 2**31 - 1


def find_csv_suffix(path: Path) -> str | None:
    """``.csv`` or ``.tsv``, whether compressed or not; None for other files."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in CSV_SUFFIXES else None


class CsvPart(TablePart):
    """Comma- or tab-separated values with names in the first line; read when opened, since types depend on all of it.

    A column is of whole numbers, floats, booleans (``true``, ``false``), dates, timestamps (both in ISO form) or times
    of day if all of its values are, else of text. An empty field is missing, as ``NA``, ``null`` and the like are.
    """

    format_name = "CSV"
    advice = "give it a line of names, and as many fields in each line after it, in UTF-8"

    def _open(self) -> Any:
        self._table = self._parse({})
        return self._table.schema

    def read(self) -> Any:
        return self._table

    def read_first(self, count: int) -> Any:
        return self._table.slice(0, count)

    def read_as_text(self, columns: Collection[str]) -> None:
        """Reads again, with these columns as text, as they are in other files."""
        with self.naming_what_fails():
            self._table = self._parse(dict.fromkeys(columns, pa.string()))
        self.schema = self._table.schema

    def count_rows(self) -> int:
        return int(self._table.num_rows)

    def find_incomplete_columns(self) -> set[str]:
        table = self._table
        return {name for name, column in zip(table.column_names, table.columns, strict=True) if column.null_count}

    def _parse(self, types: "dict[str, Any]") -> Any:
        with pa.input_stream(str(self.path), compression="detect") as stream:
            content = stream.read()
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(block_size=min(max(len(content), 1) + 1, _LARGEST_BLOCK)),
            parse_options=csv.ParseOptions(
                delimiter="\t" if find_csv_suffix(self.path) == ".tsv" else ",", newlines_in_values=True
            ),
            convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=True),
        )
        if bad := [field.name for field in table.schema if pa.types.is_binary(field.type)]:
            raise ValueError(f"column {bad[0]!r} holds text that is not UTF-8")
        return table
