"""Markdown as MLflow's pages show it."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

# The longest value of a tag in MLflow.
LONGEST_DESCRIPTION = 8000

_LONGEST_CELL = 60
# For MLflow's pages, a word between colons is an emoji, and a colon before slashes begins a link.
_AS_ENTITY = re.compile(r"[&<>]|:(?=//|\S+:)")
# Markdown's special characters; an underscore inside a name, as in `batch_size`, is harmless.
_MARKDOWN = re.compile(r"[\\`*{}\[\]|~@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FENCE = re.compile(r"`{3,}")


def escape(value: Any, longest: int = _LONGEST_CELL) -> str:
    """Returns a text that is shown as it is, in one line and cut if it is longer."""
    text = " ".join(str(value).split()) or "''"
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return _AS_ENTITY.sub(lambda found: f"&#{ord(found[0])};", _MARKDOWN.sub(r"\\\g<0>", text))


def format_row(cells: Sequence[str]) -> str:
    """Formats a row of a table; its head needs :func:`format_rule` below it."""
    # MLflow's pages leave no room between the cells of a table.
    return f"| {'&emsp; | '.join(cells)} |"


def format_rule(columns: int) -> str:
    """Formats the line between the head of a table and its rows."""
    return "|" + " --- |" * columns


def format_block(text: str, language: str = "") -> str:
    """Formats a text as a block of code, whatever is in it."""
    fence = "`" * max([3, *(len(each) + 1 for each in _FENCE.findall(text))])
    return f"{fence}{language}\n{text}\n{fence}"


def link_run(experiment_id: str, run_id: str, artifact: str | None = None) -> str:
    """Returns the address of a run's page, or of one of its artifacts, on the page that shows the description."""
    page = f"#/experiments/{experiment_id}/runs/{run_id}"
    return page if artifact is None else f"{page}/artifacts/{quote(artifact, safe='/')}"


def quote_list(values: Sequence[str]) -> str:
    """Formats a list for the query of an address."""
    return quote(json.dumps(values, separators=(",", ":")))
