"""Parses a sweep's grid from the words of a command: ``learning_rate=0.1,1 network_size=[10],[10,5]``."""

import json
from collections.abc import Sequence
from typing import Any

from tg_mlflow.errors import BackendConfigError

_OPENING = {"[": "]", "{": "}"}


def parse_grid(words: Sequence[str]) -> dict[str, list[Any]]:
    """Parses the values of each parameter.

    Commas separate values, except in brackets or double quotes. A value is parsed as JSON if it is JSON, and is a
    string otherwise: ``0.1``, ``true``, ``null``, ``[10, 5]``, ``"1"`` and ``adam`` are a number, a bool, ``None``, a
    list and two texts.

    Args:
        words: Each ``name=value,value,…``.

    Raises:
        BackendConfigError: If a word has another form, or a name comes twice.
    """
    grid: dict[str, list[Any]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise BackendConfigError(f"{word!r} is not of the form name=value,value; such as learning_rate=0.1,1")
        if name in grid:
            raise BackendConfigError(f"{name!r} is swept twice; give all values at once")
        values = [each.strip() for each in _divide(text)]
        if "" in values:
            raise BackendConfigError(f'{word!r} has an empty value; remove a comma, or write an empty text as ""')
        grid[name] = [_read(each) for each in values]
    return grid


def _divide(text: str) -> list[str]:
    parts, closing, is_quoted, is_escaped = [""], list[str](), False, False
    for character in text:
        if character == "," and not closing and not is_quoted:
            parts.append("")
            continue
        parts[-1] += character
        if is_quoted:
            is_quoted = character != '"' or is_escaped
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            is_quoted = True
        elif character in _OPENING:
            closing.append(_OPENING[character])
        elif closing and character == closing[-1]:
            closing.pop()
    if closing or is_quoted:
        raise BackendConfigError(f"{text!r} does not close {closing[-1] if closing else chr(34)}; quote the word")
    return parts


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
