"""What a figure or a table is as a file, by the ending of its name."""

import io
from pathlib import PurePosixPath
from typing import Any

from ...errors import TaskDefinitionError, listed
from ...exception_text import message_of
from ...module_specs import is_instance_of

_TABLE_ENDINGS = (".json", ".parquet")


def build_figure(figure: Any, name: str) -> bytes:
    """Draws a figure of matplotlib, or of what is built on it, or of plotly.

    Args:
        figure: The figure, or a part of one, such as matplotlib's ``Axes``.
        name: The file's name, such as ``roc.png``, ``roc.svg`` or, of plotly, ``roc.html``.

    Raises:
        TaskDefinitionError: If it is no figure, or cannot be written in this form.
    """
    ending = PurePosixPath(name).suffix.lower()
    if hasattr(figure, "to_html") and hasattr(figure, "to_image"):
        return _build_plotly(figure, name, ending)
    whole: Any = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)
    # Of seaborn's grids, it is their figure's.
    canvas = getattr(whole, "canvas", None) or getattr(getattr(whole, "figure", None), "canvas", None)
    if canvas is None:
        raise TaskDefinitionError(
            f"the figure {name!r} is a {type(figure).__name__}; give a figure of matplotlib or plotly, or log its file"
        )
    forms = sorted(f".{each}" for each in canvas.get_supported_filetypes())
    if ending not in forms:
        raise _refuse_ending("figure", name, forms)
    file = io.BytesIO()
    whole.savefig(file, format=ending[1:])
    return file.getvalue()


def _build_plotly(figure: Any, name: str, ending: str) -> bytes:
    if ending == ".html":
        # As MLflow's own log_figure: the program that shows the figure has a hundred times its size.
        return str(figure.to_html(include_plotlyjs="cdn")).encode()
    if ending == ".json":
        return str(figure.to_json()).encode()
    try:
        return bytes(figure.to_image(format=ending[1:]))
    except Exception as error:
        raise TaskDefinitionError(
            f"the figure {name!r} cannot be written ({message_of(error)[:300]}); give it the ending .html, or, for a "
            "picture, add kaleido to the requirements"
        ) from error


def build_table(table: Any, name: str) -> bytes:
    """Writes a table in the form that its name says.

    Args:
        table: A data frame, or a mapping of columns.
        name: The file's name: with the ending ``.parquet``, everything stays; with ``.json``, the table is MLflow's,
            for its pages: numbers have 15 digits, times milliseconds, an index that is more than the rows' numbers is
            the first columns, dots in columns' names are slashes, and what JSON does not have is text, or null if it is
            not finite.

    Raises:
        TaskDefinitionError: If it is no table, or has no such form.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending not in _TABLE_ENDINGS:
        raise _refuse_ending("table", name, _TABLE_ENDINGS)
    import pandas as pd

    if isinstance(table, dict):
        table = _build_frame(table, name)
    if not is_instance_of(table, "pandas", "DataFrame"):
        raise TaskDefinitionError(
            f"the table {name!r} is a {type(table).__name__}; give a pandas DataFrame, or a dictionary of columns"
        )
    if ending == ".parquet":
        return build_parquet(table, f"the table {name!r}")
    from ..tables.json_table import build_json_table, format_json_table

    index = table.index
    is_counted = isinstance(index, pd.RangeIndex) and (index.start, index.step, index.name) == (0, 1, None)
    return format_json_table(build_json_table(table, has_index=not is_counted)).encode()


def build_parquet(table: Any, what: str) -> bytes:
    """Writes a data frame as parquet.

    Raises:
        TaskDefinitionError: That ``what`` cannot be written.
    """
    try:
        return bytes(table.to_parquet())
    except Exception as error:
        raise TaskDefinitionError(
            f"{what} cannot be written as parquet ({message_of(error)[:300]}); change or drop that column"
        ) from error


def _build_frame(columns: dict[Any, Any], name: str) -> Any:
    import pandas as pd

    try:
        return pd.DataFrame(columns)
    except ValueError as error:
        raise TaskDefinitionError(f"the table {name!r} is no dictionary of columns of one length: {error}") from error


def _refuse_ending(kind: str, name: str, endings: Any) -> TaskDefinitionError:
    return TaskDefinitionError(f"the {kind} {name!r} has an ending that it cannot have; there is {listed(endings)}")
