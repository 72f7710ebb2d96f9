"""Formats the values of swept parameters: short for names, exact to tell them apart, plain to store."""

import math
import re
import types
import unicodedata
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

from ....errors import TaskDefinitionError

_LONGEST_FLOAT = 10
# Python refuses to format very long ones in decimal.
_MOST_INT_BITS = 256
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+|<lambda>|<locals>")


def format_short_value(value: Any) -> str:
    """Formats a value as short as possible but readable; different values may look alike.

    Numbers, ``True`` and ``None`` are as in Python, with six significant digits where a float has more than ten
    characters. A list of numbers is joined by hyphens, ``10-5``, any other by commas, an empty one is ``empty``. A
    path is its last part, an enum's member its name. A text keeps letters, digits, ``_``, ``.`` and ``+``; all else
    becomes ``_``, so that a hyphen never comes before a letter.
    """
    if isinstance(value, Enum):
        return _clean(str(value.name))
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return ",".join(f"{format_short_value(key)}={format_short_value(each)}" for key, each in _sorted_items(value))
    if (items := _items_of(value)) is not None:
        separator = "-" if all(map(_is_finite_number, items)) else ","
        return separator.join(map(format_short_value, items)) or "empty"
    if isinstance(value, (float, np.floating)):
        text = str(value)
        return text if len(text) <= _LONGEST_FLOAT else f"{value:.6g}"
    if value is None or isinstance(value, (bool, np.bool_, np.integer)):
        return str(value)
    if isinstance(value, int):
        return format_exact_value(value)
    if isinstance(value, PurePath):
        return _clean(value.name or value.as_posix())
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return _clean(value.__name__)
    return _clean(str(value))


def format_exact_value(value: Any) -> str:
    """Formats a value as Python does, the same in every process; different values, also of different types, differ.

    The order of sets and mappings does not count. A NumPy scalar equals Python's number if both have the same text.

    Raises:
        TaskDefinitionError: If an object can only be distinguished by its address in memory.
    """
    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value.name}@{type(value).__module__}"
    if isinstance(value, np.generic) and not isinstance(value, (float, str)):
        item = value.item()
        is_plain = isinstance(item, (bool, int, float)) and str(item) == str(value)
        return repr(item) if is_plain else f"{type(value).__name__}({value!s})"
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value) if value.bit_length() <= _MOST_INT_BITS else hex(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, Mapping):
        pairs = (f"{format_exact_value(key)}:{format_exact_value(each)}" for key, each in _sorted_items(value))
        return f"{{{','.join(pairs)}}}"
    if (items := _items_of(value)) is not None:
        return _brackets_of(value).format(",".join(map(format_exact_value, items)))
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        text = f"{value.__qualname__}@{value.__module__}"
    else:
        text = repr(value)
    text = text if text.isprintable() else repr(text)
    if _ADDRESS.search(text):
        raise TaskDefinitionError(
            f"a swept value is {text}, which cannot be told from others in another process; give a text or a number, "
            "and make the object of it where the task is built"
        )
    name = type(value).__name__
    return text if value is None or isinstance(value, bool) or text.startswith(name) else f"{name}({text})"


def build_plain_value(value: Any) -> Any:
    """Converts a value to strings, numbers, booleans, ``None``, lists and dictionaries with string keys.

    Tuples, arrays and sets become lists, NumPy scalars Python's numbers, enum members their names, paths and all else
    strings. So do floats that JSON lacks, and, in hexadecimal, integers of more than 256 bits. A dictionary's keys
    become strings; it becomes a list of pairs if two keys would be the same.
    """
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (np.bool_, np.integer)):
        return value.item()
    if isinstance(value, np.floating):
        value = float(str(value))  # 0.1 in single precision stays 0.1
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _MOST_INT_BITS else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        pairs = [(key if isinstance(key, str) else str(build_plain_value(key)), each) for key, each in value.items()]
        is_unique = len(dict(pairs)) == len(pairs)
        plain = [(key, build_plain_value(each)) for key, each in pairs]
        return dict(plain) if is_unique else [list(pair) for pair in plain]
    if (items := _items_of(value)) is not None:
        return [build_plain_value(each) for each in items]
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return f"{value.__module__}.{value.__qualname__}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))


def sort_values(values: set[Any] | frozenset[Any]) -> list[Any]:
    """Sorts a set: by value if all are numbers, otherwise by :func:`format_exact_value`."""
    if all(map(_is_finite_number, values)):
        return sorted(values)
    return sorted(values, key=format_exact_value)


def _items_of(value: Any) -> list[Any] | None:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    return sort_values(value) if isinstance(value, (set, frozenset)) else None


def _brackets_of(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[{}]" if isinstance(value, list) else "({})"
    return "array({})" if isinstance(value, np.ndarray) else "set({})"


def _sorted_items(value: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(value.items(), key=lambda item: format_exact_value(item[0]))


def _is_finite_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, Enum))
    return is_number and (isinstance(value, int) or bool(np.isfinite(value)))


def _clean(text: str) -> str:
    return re.sub(r"[^\w.+]+", "_", unicodedata.normalize("NFC", text)).strip("_") or "empty"
