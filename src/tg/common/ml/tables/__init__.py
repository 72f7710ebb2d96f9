"""What columns mean, in frames and in files: the one place that knows the types of pandas, Arrow, parquet and CSV."""

from .column_types import ColumnTypeError, read_column
from .plain_frame import PlainFrame, read_frame
from .table import Table, open_table

__all__ = ["ColumnTypeError", "PlainFrame", "Table", "open_table", "read_column", "read_frame"]
