"""A dataset as one table: the union of its files."""

import copy
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DatasetError, listed
from ...exception_text import first_line_of
from ...logger import Logger
from .arrow_types import plain_type, read_array
from .csv_part import CsvPart
from .frame_dtypes import find_dtype
from .pandas_metadata import unite_metadata
from .parquet_part import ParquetPart
from .partition import Partition
from .plain_frame import read_frame
from .table_files import open_parts
from .table_part import TablePart
from .type_union import unite_types

# The dtypes of numpy's kinds in pandas when a value is missing.
_WITH_MISSING = {"i": "float64", "u": "float64", "b": "boolean"}


def open_table(path: Path) -> "Table":
    """Opens a parquet or CSV file, or a folder of either kind.

    Raises:
        DatasetError: A file cannot be read, or the files do not fit together; it is named.
    """
    return Table(path, open_parts(path))


class Table:
    """The rows of all files, one after the other, and the columns of all of them, by name.

    Columns that a file lacks are missing in its rows. Columns whose types differ are of the one that `unite_types`
    finds; in CSV files, of text if there is none. Partitions come last, as categories.

    Attributes:
        parts: The files, in the order of their paths.
        schema: The columns, of the types that they are read as; those that have no reading are as they are in the
            files. It has the metadata that pandas finds an index by.
        mixed: The columns whose types differ from file to file.

    Raises:
        DatasetError: The columns of the files do not fit together.
    """

    def __init__(self, path: Path, parts: Sequence[TablePart]) -> None:
        self.path = path
        self.parts = list(parts)
        for part in self.parts:
            names = part.schema.names
            if doubled := {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else None:
                raise DatasetError(
                    f"columns {listed(sorted(doubled))} stand more than once in {part.name!r} of the dataset "
                    f"{str(path)!r}; rename or drop them"
                )
        self._partitions = self._find_partitions()
        self.mixed: set[str] = set()
        fields = [pa.field(name, _plain_or_own(kind)) for name, kind in self._unite().items()]
        metadata, left_out = unite_metadata([part.schema for part in self.parts])
        fields = [field for field in fields if field.name not in left_out]
        fields += [pa.field(name, partition.type) for name, partition in self._partitions.items()]
        self.schema: Any = pa.schema(fields, metadata)

    def count_rows(self) -> int:
        """Counts the rows."""
        return sum(part.count_rows() for part in self.parts)

    def find_incomplete_columns(self) -> set[str]:
        """Returns the columns with missing values, or possibly so if the files do not tell."""
        incomplete: set[str] = set()
        for part in self.parts:
            own = {*part.schema.names, *(name for name, value in part.partition.items() if value is not None)}
            incomplete |= part.find_incomplete_columns() | {name for name in self.schema.names if name not in own}
        return incomplete.intersection(self.schema.names)

    def list_columns(self) -> list[str]:
        """Lists the columns of the frame that `read` makes; an index that pandas has written is none of them."""
        return [str(name) for name in self.make_frame([self.schema.empty_table()]).columns]

    def select(self, names: Collection[str]) -> "Table":
        """Returns the same rows with these columns only, all of which are columns of the frame."""
        selected = copy.copy(self)
        selected.schema = pa.schema([field for field in self.schema if field.name in names])
        return selected

    def read_batches(self, part: ParquetPart, row_group: int, count: int, as_is: Collection[str] = ()) -> Iterator[Any]:
        """Yields the rows of one of its files' row groups as Arrow tables of ``count`` rows; the last one has fewer.

        Raises:
            DatasetError: The file cannot be read, or holds what does not fit the type that others have.
        """
        own = [name for name in self.schema.names if name in part.schema.names]
        for batch in part.read_batches(row_group, own, count):
            yield self._convert(pa.Table.from_batches([batch]), part, as_is)

    def read(self, as_is: Collection[str] = ()) -> pd.DataFrame:
        """Reads everything.

        Args:
            as_is: Columns to leave as pandas reads them from parquet, apart from types that had to be united.

        Returns:
            A frame with the index that pandas has written, if any. Booleans are nullable, and what has no reading is of
            pandas' Arrow dtype.

        Raises:
            DatasetError: A file cannot be read, or holds what does not fit the type that others have.
        """
        return self.make_frame([self._convert(part.read(), part, as_is) for part in self.parts], as_is)

    def read_first(self, count: int, as_is: Collection[str] = ()) -> pd.DataFrame:
        """Does `read` for the first ``count`` rows, without reading many more.

        The dtypes are those of the whole table: there, whole numbers are floats, and booleans are nullable, as soon as
        one is missing, wherever that may be.
        """
        read: list[Any] = []
        for part in self.parts:
            if (lacking := count - sum(map(len, read))) > 0:
                read.append(self._convert(part.read_first(lacking), part, as_is))
        frame = read_frame(self.make_frame(read, as_is), as_is).frame
        incomplete = self.find_incomplete_columns()
        kinds = {name: _WITH_MISSING.get(dtype.kind) for name, dtype in frame.dtypes.items() if name in incomplete}
        return frame.astype({name: kind for name, kind in kinds.items() if kind})

    def _convert(self, rows: Any, part: TablePart, as_is: Collection[str]) -> Any:
        """Converts a file's rows to the table's columns and types; ``as_is`` keep theirs, unless files differ."""
        columns, fields, own = [], [], set(part.schema.names)
        for field in self.schema:
            if field.name in own:
                column = rows[field.name]
                if field.name not in as_is or field.name in self.mixed:
                    column = self._convert_column(column, field, part)
            elif field.name in self._partitions:
                column = self._partitions[field.name].repeat(part.partition.get(field.name), len(rows))
            else:
                column = pa.chunked_array([pa.nulls(len(rows), pa.null() if field.name in as_is else field.type)])
            columns.append(column)
            fields.append(pa.field(field.name, column.type))
        return pa.table(columns, schema=pa.schema(fields, self.schema.metadata))

    def make_frame(self, parts: Sequence[Any], as_is: Collection[str] = ()) -> pd.DataFrame:
        """Builds a frame from rows of several files that have the table's columns and types."""
        if not parts:
            return pd.DataFrame()
        rows = pa.concat_tables(parts, promote_options="permissive")
        if inexact := [name for name in rows.column_names if _becomes_inexact(rows[name])]:
            Logger.warning(
                f"the columns {listed(inexact)} have whole numbers beyond 2**53 and miss values, so they are floats, "
                "which do not hold such numbers exactly; make them text if they are identifiers"
            )
        unread = {each.type for each in rows.schema if plain_type(each.type) is None and each.name not in as_is}
        try:
            frame = rows.to_pandas(
                types_mapper=lambda kind: pd.ArrowDtype(kind) if kind in unread else find_dtype(kind)
            )
        except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
            raise DatasetError(
                f"the dataset {str(self.path)!r} cannot be made a frame of ({first_line_of(error)}); "
                "write it with DataFrame.to_parquet"
            ) from error
        for name in as_is:
            if name in frame.columns and isinstance(frame.dtypes[name], pd.BooleanDtype):
                frame[name] = frame[name].astype(object if frame[name].isna().any() else bool)
        return pd.DataFrame(frame)

    def _convert_column(self, column: Any, field: Any, part: TablePart) -> Any:
        if column.type == field.type:
            return column
        try:
            if plain_type(field.type) is None:
                return column.cast(field.type)
            return read_array(column, field.type)
        except pa.ArrowException as error:
            raise DatasetError(
                f"column {field.name!r} ({column.type}) in {part.name!r} of the dataset {str(self.path)!r} cannot be "
                f"read as {field.type} ({first_line_of(error)}); correct it, or write it in one type in all files"
            ) from error

    def _unite(self) -> dict[str, Any]:
        names = dict.fromkeys(name for part in self.parts for name in part.schema.names)
        _warn_of_similar_names(self.path, names, self.parts)
        united: dict[str, Any] = {}
        texts: set[str] = set()
        # The types of a file without rows are not binding.
        for part in sorted(self.parts, key=lambda each: not each.count_rows()):
            for field in part.schema:
                known = united.get(field.name)
                kind = field.type if known is None else unite_types(known, field.type)
                if known not in (None, field.type):
                    self.mixed.add(field.name)
                if kind is not None:
                    united[field.name] = kind
                elif isinstance(part, CsvPart):
                    texts.add(field.name)
                elif part.count_rows():
                    raise DatasetError(self._describe_misfit(field.name, part))
        for part in self.parts:
            if isinstance(part, CsvPart) and (own := texts.intersection(part.schema.names)):
                part.read_as_text(own)
        return {name: pa.string() if name in texts else united[name] for name in names}

    def _describe_misfit(self, name: str, part: TablePart) -> str:
        own = part.schema.field(name).type
        others = (each for each in self.parts if name in each.schema.names and each.count_rows())
        other = next(each for each in others if unite_types(each.schema.field(name).type, own) is None)
        return (
            f"the dataset {str(self.path)!r} cannot be read as parquet files of one table: column {name!r} is "
            f"{other.schema.field(name).type} in {other.name!r} and {own} in {part.name!r}; write it in one type"
        )

    def _find_partitions(self) -> dict[str, Partition]:
        """Finds the columns in the names of folders, except those that are also in the files."""
        values: dict[str, set[str]] = {}
        for part in self.parts:
            for name, value in part.partition.items():
                values.setdefault(name, set()).update([] if value is None else [value])
        in_files = {name for part in self.parts for name in part.schema.names} if values else set()
        return {name: Partition(found) for name, found in values.items() if name not in in_files}


def _plain_or_own(kind: Any) -> Any:
    plain = plain_type(kind)
    return kind if plain is None else plain


def _becomes_inexact(column: Any) -> bool:
    """Returns whether pandas converts a column of whole numbers to floats that differ from them."""
    if not (pa.types.is_integer(column.type) and column.type.bit_width == 64 and column.null_count):
        return False
    bounds = pc.min_max(column).as_py()
    return any(bound is not None and abs(bound) > 2**53 for bound in bounds.values())


def _warn_of_similar_names(path: Path, names: Collection[str], parts: Sequence[TablePart]) -> None:
    """Warns of columns in different files that differ only in case, which is usually an accident."""
    by_lower_case: dict[str, list[str]] = {}
    for name in names:
        by_lower_case.setdefault(name.lower(), []).append(name)
    for similar in by_lower_case.values():
        if len(similar) > 1 and not any(set(similar).issubset(part.schema.names) for part in parts):
            Logger.warning(f"the columns {listed(similar)} in the files of {str(path)!r} are taken for different ones")
