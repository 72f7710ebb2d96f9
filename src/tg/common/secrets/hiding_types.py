"""Knows types that hide their value when they are printed, such as pydantic's ``SecretStr``."""

import re
from collections.abc import Mapping
from typing import Any

_TYPE = re.compile(r"\b_?(?:Secret(?:Str|String|Bytes|Text|Value)?|Password)\b")


def names_hiding_type(text: str) -> bool:
    """Returns whether the name of a type, or an annotation, is one of a type that hides its value, or has one."""
    return _TYPE.search(text) is not None


def is_hidden(value: object) -> bool:
    """Returns whether a value hides itself when it is printed."""
    kind = type(value)
    return hasattr(kind, "get_secret_value") or names_hiding_type(kind.__name__)


def reveal(value: Any) -> Any:
    """Returns what such a value hides, as text where it is one.

    Raises:
        Exception: Whatever the value's own type raises.
    """
    secret = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return secret.decode("utf-8", "surrogateescape") if isinstance(secret, bytes) else secret


def hide_as(example: Any, text: str) -> Any:
    """Hides a text as a value of the same type as ``example``."""
    is_bytes = isinstance(example.get_secret_value(), bytes) if hasattr(example, "get_secret_value") else False
    return type(example)(text.encode("utf-8", "surrogateescape") if is_bytes else text)


def reveal_all(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Reveals what values or their parts hide: a training would get nothing but asterisks.

    Args:
        values: Values by name.

    Returns:
        The values, and the dotted names of what was hidden; a list's items have its name.
    """
    hidden = dict[str, None]()

    def walk(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(f"{name}.{key}", each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(name, each) for each in value]
        if not is_hidden(value):
            return value
        hidden[name] = None
        return reveal(value)

    return {name: walk(name, value) for name, value in values.items()}, list(hidden)
