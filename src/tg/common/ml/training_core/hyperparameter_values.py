"""Converts the value of a hyperparameter to the type that it has in a task."""

import json
import numbers
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import HyperparameterError
from ...module_specs import is_instance_of
from ...secrets import hide_as, is_hidden

_INT = re.compile(r"-?(?:0|[1-9]\d*)")


def convert_hyperparameter(key: str, value: Any, type_name: str | None, current: Any, is_open: bool) -> Any:
    """Converts a value, as :func:`apply_hyperparameters` says.

    Args:
        key: How to name it in a message.
        value: What is given.
        type_name: The type that the key ends with; ``None`` if there is none.
        current: What the value replaces.
        is_open: Whether it is an argument of a callable that is not known here.

    Raises:
        HyperparameterError: If it does not fit.
    """
    if is_hidden(current) and isinstance(value, str):
        return hide_as(current, value)
    if type_name and isinstance(value, numbers.Real) and type_name != "json":
        value = str(value)
    name = type_name or _type_name_of(current, is_open)
    if name is None or not isinstance(value, str):
        return value
    try:
        return _convert_keys({**TYPES, **_UNTYPED}[name](value), current)
    except (ValueError, TypeError) as error:
        raise HyperparameterError(f"hyperparameter {key!r}: {value!r} is not of type {name}") from error


def _type_name_of(current: Any, is_open: bool) -> str | None:
    if current is None or (is_open and isinstance(current, str)):
        return "guess"
    if isinstance(current, str):
        return "text"
    if isinstance(current, (list, tuple, dict)):
        return "tuple" if isinstance(current, tuple) else "json"
    if isinstance(current, bool) or is_instance_of(current, "numpy", "bool_"):  # a bool is an Integral too
        return "bool"
    if isinstance(current, numbers.Integral):
        return "int"
    return "float" if isinstance(current, numbers.Real) else None


def _to_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = float(text)  # tuners write whole numbers as 10.0 or 1e3
        if not number.is_integer():
            raise
        return int(number)


def _to_bool(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower().strip() not in values:
        raise ValueError(text)
    return values[text.lower().strip()]


def _guess(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


def _keep_text(text: str) -> Any:
    value = _guess(text)
    return value if isinstance(value, (list, dict)) else text


# The types that a key may end with.
TYPES: dict[str, Callable[[str], Any]] = {
    "int": _to_int,
    "float": float,
    "bool": _to_bool,
    "str": lambda text: text.strip(),
    "json": json.loads,
}

# The conversion of a string without a type.
_UNTYPED: dict[str, Callable[[str], Any]] = {
    "guess": _guess,
    "text": _keep_text,
    "tuple": lambda text: tuple(json.loads(text)),
}


def _convert_keys(value: Any, current: Any) -> Any:
    """Converts keys of dictionaries, which are strings in JSON, to the type of those that they replace, or else int."""
    if isinstance(value, (list, tuple)):
        replaced = (
            [*current] if isinstance(current, (list, tuple)) and len(current) == len(value) else [None] * len(value)
        )
        return type(value)(map(_convert_keys, value, replaced))
    if not isinstance(value, dict):
        return value
    known = {str(key): key for key in current} if isinstance(current, Mapping) else {}
    types = {type(key) for key in known.values()}
    if types <= {int}:
        is_convertible = bool(types) or all(_INT.fullmatch(key) for key in value)
        keys = {key: int(key) if is_convertible else key for key in value}
    else:
        keys = {key: float(key) if types == {float} else known.get(key, key) for key in value}
    return {keys[key]: _convert_keys(each, known and current.get(keys[key])) for key, each in value.items()}
