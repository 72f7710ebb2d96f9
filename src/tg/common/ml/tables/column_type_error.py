"""The error for a column that no model can learn from."""


class ColumnTypeError(ValueError):
    """A column cannot be read; the message says why, and the caller adds the column's name and advice."""
