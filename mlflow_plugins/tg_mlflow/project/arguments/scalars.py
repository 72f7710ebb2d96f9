"""Reads numbers, texts, enumerations, times and paths."""

import datetime
import os
import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from tg.common.errors import listed
from tg_mlflow.project.arguments.literals import UNDECODED, decode

_BOOLS = {
    **dict.fromkeys(("true", "1", "yes", "y", "on", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "off", "f"), False),
}


def as_plain(value: Any) -> Any:
    """Returns a text as an ordinary ``str``; anything else as it is."""
    return str(value) if isinstance(value, str) else value


def read_text(value: Any) -> str:
    """Reads a text.

    Raises:
        ValueError: If a part of JSON is not a string.
    """
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; put it in quotes")
    return str(value)


def read_literal(value: Any, options: tuple[Any, ...]) -> Any:
    """Reads one of a few values, which are also distinguished by type: ``1`` is neither ``True`` nor ``1.0``.

    Raises:
        ValueError: If it is none of them.
    """
    decoded = decode(value)
    for option in options:
        if type(option) is type(decoded) and option == decoded:
            return option
    for option in options:
        if isinstance(option, Enum):
            if any(option is each for each in _find_members(value, type(option))):
                return option
        elif isinstance(value, str) and not isinstance(option, bytes) and str(option) == value:
            return option
    raise ValueError(f"choose from {listed(each.name if isinstance(each, Enum) else each for each in options)}")


def validating(validate: Callable[[Any], Any], value: Any) -> Any:
    """Validates a value with pydantic.

    Raises:
        ValueError: If it is invalid, with the location in it and the reason, but without the value.
    """
    try:
        return validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(each) for each in first["loc"])
        raise ValueError(f"{place and place + ': '}{first['msg']}") from error


def _read_bool(value: Any, wanted: type) -> Any:
    if isinstance(value, bool):
        return wanted(value)
    known = _BOOLS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if known is None:
        raise ValueError("write true or false")
    return wanted(known)


def _read_int(value: Any, wanted: type) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{as_plain(value)!r} is not a whole number")
    try:
        return wanted(value if isinstance(value, int) else int(value) if isinstance(value, str) else _whole(value))
    except ValueError:
        pass
    except OverflowError as error:
        raise ValueError(str(error)) from error
    try:
        return wanted(_whole(float(value)))  # 1e3, 10.0
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{as_plain(value)!r} is not a whole number") from error


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError(number)
    return int(number)


def _read_float(value: Any, wanted: type) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{as_plain(value)!r} is not a number")
    try:
        return wanted(float(value))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{as_plain(value)!r} is not a number") from error


def _read_subclass_of_text(value: Any, wanted: type) -> Any:
    return wanted(read_text(value))


def _read_bytes(value: Any, wanted: type) -> Any:
    return wanted(read_text(value).encode())


def _read_enum(value: Any, wanted: type[Enum]) -> Enum:
    found = _find_members(value, wanted)
    if not found:
        raise ValueError(f"choose from {listed(wanted.__members__)}")
    return found[0]


def _find_members(value: Any, wanted: type[Enum]) -> list[Enum]:
    """Yields the members that a value may mean: by value, then by name."""
    found = []
    for each in (as_plain(value), decode(value)):
        if each is not UNDECODED and not (isinstance(each, bool) and not any(m.value is each for m in wanted)):
            try:
                found.append(wanted(each))
            except (ValueError, TypeError, KeyError):
                continue  # there is none of this value
    if isinstance(value, str) and value in wanted.__members__:
        found.append(wanted[value])
    return found


def _read_time(value: Any, wanted: type) -> Any:
    # Pydantic reads a number as seconds since 1970, and 20240131 as a day of that year.
    if not isinstance(value, str) or re.fullmatch(r"\s*[+-]?[\d.]+\s*", value):
        raise ValueError("write it in ISO 8601, such as 2024-01-31, 2024-01-31T12:00:00Z or 12:00")
    return _as_subclass(value, wanted, (datetime.datetime, datetime.date, datetime.time))


def _read_duration(value: Any, wanted: type) -> Any:
    if not isinstance(value, str) or re.fullmatch(r"\s*[+-]?[\d.]+\s*", value):
        raise ValueError("write it in ISO 8601, such as PT90S, or as 00:01:30; a number has no unit")
    return _as_subclass(value, wanted, (datetime.timedelta,))


def _as_subclass(text: str, wanted: type, bases: tuple[type, ...]) -> Any:
    base = next(each for each in bases if issubclass(wanted, each))
    if base is datetime.date and ":" in text:
        raise ValueError("a date has no time of day; write it such as 2024-01-31")
    read: Any = validating(TypeAdapter(base).validate_strings, str(text))
    return read if wanted is base else wanted(read)  # such as a Timestamp of pandas


def _read_path(value: Any, wanted: type) -> Any:
    return wanted(read_text(value))


# The readers of classes and their subclasses; the first match counts, the most specific first.
SCALARS: tuple[tuple[type, Callable[[Any, Any], Any]], ...] = (
    (Enum, _read_enum),
    (bool, _read_bool),
    (np.bool_, _read_bool),
    (int, _read_int),
    (np.integer, _read_int),
    (float, _read_float),
    (np.floating, _read_float),
    (datetime.datetime, _read_time),
    (datetime.date, _read_time),
    (datetime.time, _read_time),
    (datetime.timedelta, _read_duration),
    (os.PathLike, _read_path),
    (bytes, _read_bytes),
    (bytearray, _read_bytes),
    (str, _read_subclass_of_text),
)
NUMBERS = (bool, np.bool_, int, np.integer, float, np.floating)
# The most general first: a timestamp also accepts the text of a date, and a duration that of a time.
TIMES = (datetime.timedelta, datetime.time, datetime.datetime, datetime.date)
