"""Decodes an argument that is JSON or a Python literal."""

import ast
import json
from typing import Any

# JSON's names that differ in Python.
_FLOATS = ("nan", "inf", "-inf")

UNDECODED = object()


class _DoubleKeyError(ValueError):
    """JSON has a key twice, and its reader would keep the last one."""


class WrittenText(str):
    """A text as the user wrote it, which may mean more than a text; a text inside JSON is just a ``str``."""

    __slots__ = ()


def decode(value: Any) -> Any:
    """Decodes a raw text; anything else has been decoded already.

    Numbers are those of JSON: ``001``, ``1_000`` and ``0x10`` are none.

    Returns:
        The value; ``UNDECODED`` if the text is neither JSON nor a literal.

    Raises:
        ValueError: If a dictionary in JSON has a key twice.
    """
    if not isinstance(value, WrittenText):
        return value
    if value in _FLOATS:
        return float(value)
    try:
        return json.loads(value, object_pairs_hook=_unique)
    except _DoubleKeyError:
        raise
    except (ValueError, RecursionError):
        pass  # it may be a Python literal, such as {0: 1.0} or ('a', None)
    try:
        literal = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return UNDECODED
    is_number = isinstance(literal, (int, float, complex)) and not isinstance(literal, bool)
    return UNDECODED if is_number or isinstance(literal, bytes) else literal


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for key, each in pairs:
        if key in found:
            raise _DoubleKeyError(f"the key {key!r} is there twice")
        found[key] = each
    return found


def is_bracketed(value: Any) -> bool:
    """Returns whether a raw text stands in brackets, as lists and dictionaries do."""
    if not isinstance(value, WrittenText):
        return False
    text = value.strip()
    return len(text) > 1 and text[0] + text[-1] in ("[]", "{}", "()")
