"""The meaning of columns in frames and files: the only room that knows the types of pandas, Arrow and files.

Files are read by :mod:`.table`, which a launcher that only splits or names things does not need.
"""

from .column_types import ColumnTypeError, read_column
from .plain_frame import PlainFrame, read_frame

__all__ = ["ColumnTypeError", "PlainFrame", "read_column", "read_frame"]
