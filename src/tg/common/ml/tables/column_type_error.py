"""What is raised for a column that no model learns from."""


class ColumnTypeError(ValueError):
    """A column has no reading; the message says why, for whoever names the column and says what to do about it."""
