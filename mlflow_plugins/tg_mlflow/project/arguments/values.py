"""Reads a text as a value of the type that an annotation names."""

import collections.abc
import dataclasses
import os
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal

import numpy as np

from tg.common.errors import listed, suggestion
from tg_mlflow.project.arguments.literals import UNDECODED, WrittenText, decode, is_bracketed
from tg_mlflow.project.arguments.models import adapt, read_by_pydantic
from tg_mlflow.project.arguments.scalars import NUMBERS, SCALARS, TIMES, as_plain, read_literal, read_text, validating
from tg_mlflow.project.arguments.types import UNIONS, kind_of, members_of, strip

_NONE_TEXTS = ("None", "null", "")
_SEQUENCES: dict[Any, Callable[[Any], Any]] = {
    **dict.fromkeys((list, collections.abc.Sequence, collections.abc.MutableSequence), list),
    **dict.fromkeys((collections.abc.Iterable, collections.abc.Collection), list),
    **dict.fromkeys((set, collections.abc.Set, collections.abc.MutableSet), set),
    frozenset: frozenset,
    tuple: tuple,
}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
# Pydantic's validators that may accept something else than a value of the annotated type.
_READERS = ("BeforeValidator", "PlainValidator", "WrapValidator")


def read_value(text: str, wanted: Any) -> Any:
    """Reads a text as a value of a type.

    ``str``, ``Any``, ``object`` and unknown classes take the text as it is. Numbers and bools are written as in JSON or
    Python, enumerations by value or name, times and durations in ISO 8601; lists, tuples, sets, dictionaries,
    dataclasses, typed dictionaries and pydantic's models as JSON or as Python's literals. A key of JSON is read as such
    a text. Functions and classes have no text.

    A union, in whatever order its members are written, is read by these rules:

    1. ``None``, ``null`` and an empty text are None, if that is a member.
    2. What is JSON or a literal is a value of the member that keeps it as it is, or else of the first one that takes
       it, from the most specific to the least: ``1`` is an int, or a float where no int is asked for.
    3. Any other text is tried with the members in the same order: Literal, enumeration, number, time, path and, last,
       ``str``.

    Where any text is allowed, what is not JSON is not a number: ``001``, ``1_000`` and ``yes`` are texts. JSON's quotes
    make a text of anything (``"0.5"``). What is in brackets is never a text where a list or the like is asked for.

    Args:
        text: What the user wrote.
        wanted: The annotation, resolved.

    Raises:
        ValueError: If it is no such value; the message says why.
    """
    return _read(WrittenText(text), wanted)


def is_known(kind: type) -> bool:
    """Returns whether a text is read as a value of a class, rather than passed on as it is."""
    return not _takes_any_text(kind) or issubclass(kind, (str, bytes, os.PathLike))


def _read(value: Any, wanted: Any) -> Any:
    """Reads a text as it is written, or a part of what has been decoded."""
    wanted = strip(wanted)
    if wanted is Any or wanted is object:
        return as_plain(value)
    if wanted is None or wanted is type(None):
        return _read_none(value)
    origin = typing.get_origin(wanted)
    if origin is Annotated:
        return _read_annotated(value, wanted)
    if origin in UNIONS:
        return _read_union(value, list(members_of(wanted)))
    if origin is Literal:
        return read_literal(value, typing.get_args(wanted))
    kind = kind_of(wanted)
    if kind in _SEQUENCES:
        return _read_sequence(value, kind, typing.get_args(wanted))
    if kind in _MAPPINGS:
        return _read_mapping(value, typing.get_args(wanted))
    if kind in (type, collections.abc.Callable):
        raise ValueError("no text is a function or a class; take its name, as a str, and find it in the factory")
    for base, read in () if hasattr(kind, "__get_pydantic_core_schema__") else SCALARS:
        if issubclass(kind, base):
            return read_text(value) if kind is str else read(value, kind)
    if kind is wanted and (dataclasses.is_dataclass(kind) or typing.is_typeddict(kind)):
        return _read_fields(value, kind)
    return read_by_pydantic(value, wanted)


def _read_none(value: Any) -> None:
    if value is not None and value not in _NONE_TEXTS:
        raise ValueError("write None or null")


def _read_annotated(value: Any, wanted: Any) -> Any:
    inner, *metadata = typing.get_args(wanted)
    if any(type(each).__name__ in _READERS for each in metadata):
        return read_by_pydantic(value, wanted)
    read = _read(value, inner)
    adapter = adapt(wanted)
    return read if adapter is None else validating(adapter.validate_python, read)


# --- unions


def _read_union(value: Any, members: list[Any]) -> Any:
    if type(None) in members and (value is None or (isinstance(value, WrittenText) and value in _NONE_TEXTS)):
        return None
    members = sorted((each for each in members if each is not type(None)), key=_rank)
    decoded = decode(value)
    if isinstance(decoded, str):
        if any(_is_number(each) or _is_structure(each) for each in members):
            value = decoded  # without its quotes
    elif decoded is not UNDECODED:
        taken = [each for member in members if _suits(decoded, member) for each in _attempt(decoded, member)]
        if taken:
            return next((each for each in taken if _is_same(each, decoded)), taken[0])
    if is_bracketed(value) and (structures := [each for each in members if _is_structure(each)]):
        members = structures
    elif any(_takes_any_text(each) for each in members):
        members = [each for each in members if not _is_number(each)]
    reasons = []
    for member in members:
        try:
            return _read(value, member)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(dict.fromkeys(reasons)))


def _attempt(value: Any, member: Any) -> Iterator[Any]:
    """Yields the value of a member of a union, if it is one."""
    try:
        yield _read(value, member)
    except ValueError:
        return


def _rank(member: Any) -> int:
    """Returns how general a member of a union is."""
    kind = kind_of(member)
    if typing.get_origin(member) is Literal or issubclass(kind, Enum):
        return 0
    if _is_number(member):
        return 1 + next(index for index, base in enumerate(NUMBERS) if issubclass(kind, base))
    if issubclass(kind, str):
        return 100 if kind is str else 99
    if issubclass(kind, (os.PathLike, bytes)):
        return 98
    if issubclass(kind, TIMES):
        return 60 - next(index for index, base in enumerate(TIMES) if issubclass(kind, base))
    return 97 if _takes_any_text(member) else 61


def _is_number(member: Any) -> bool:
    kind = kind_of(member)
    return issubclass(kind, NUMBERS) and not issubclass(kind, Enum)


def _is_structure(member: Any) -> bool:
    """Returns whether a member is written as a list or a dictionary."""
    kind = kind_of(member)
    if kind in _SEQUENCES or kind in _MAPPINGS or issubclass(kind, (list, tuple, dict, set, frozenset)):
        return True
    return dataclasses.is_dataclass(kind) or typing.is_typeddict(kind) or hasattr(kind, "model_fields")


def _takes_any_text(member: Any) -> bool:
    kind = kind_of(member)
    if issubclass(kind, (str, bytes, os.PathLike)):
        return not issubclass(kind, Enum)
    if member is Any or member is object or hasattr(kind, "get_secret_value"):
        return True
    if _is_structure(member) or any(issubclass(kind, base) for base, _ in SCALARS):
        return False
    return typing.get_origin(member) is None and adapt(member) is None


def _suits(decoded: Any, member: Any) -> bool:
    """Returns whether a decoded value has the form of a member's values: a bool or a fraction is not an int."""
    kind = kind_of(member)
    if typing.get_origin(member) is Literal or issubclass(kind, Enum):
        return True
    if isinstance(decoded, bool):
        return issubclass(kind, (bool, np.bool_))
    if isinstance(decoded, int):
        return _is_number(member) and not issubclass(kind, (bool, np.bool_))
    if isinstance(decoded, float):
        return issubclass(kind, (float, np.floating))
    return decoded is not None and _is_structure(member)


def _is_same(value: Any, decoded: Any) -> bool:
    """Returns whether a value equals the decoded one, including the types of its parts."""
    value = value.value if isinstance(value, Enum) else value
    if isinstance(value, (list, tuple)) and isinstance(decoded, (list, tuple)):
        return len(value) == len(decoded) and all(map(_is_same, value, decoded))
    if isinstance(value, dict) and isinstance(decoded, dict):
        return _is_same([*value.items()], [*decoded.items()])
    return type(value) is type(decoded) and bool(value == decoded)


# --- lists, dictionaries and the like


def _read_sequence(value: Any, kind: type, arguments: tuple[Any, ...]) -> Any:
    decoded, make = decode(value), _SEQUENCES[kind]
    allowed = (list, tuple, set, frozenset) if make in (set, frozenset) else (list, tuple)
    if not isinstance(decoded, allowed):
        raise ValueError("write a list as JSON, such as [1, 2]")
    items = list(decoded)
    if kind is tuple and arguments and arguments[-1] is not Ellipsis:
        types_of_items = list(arguments) if arguments != ((),) else []  # as Python 3.10 represents tuple[()]
        if len(items) != len(types_of_items):
            raise ValueError(f"it has {len(items)} items, not {len(types_of_items)}")
    else:
        types_of_items = [arguments[0] if arguments else Any] * len(items)
    read = [_read(item, wanted) for item, wanted in zip(items, types_of_items, strict=True)]
    try:
        return make(read)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _read_mapping(value: Any, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    decoded = decode(value)
    if not isinstance(decoded, dict):
        raise ValueError('write a dictionary as JSON, such as {"a": 1}')
    key_type, value_type = arguments or (Any, Any)
    read: dict[Any, Any] = {}
    for key, each in decoded.items():
        name = _read(WrittenText(key) if isinstance(key, str) else key, key_type)
        if name in read:
            raise ValueError(f"the key {name!r} is there twice")
        read[name] = _read(each, value_type)
    return read


def _read_fields(value: Any, kind: type) -> Any:
    """Reads a dataclass or a typed dictionary."""
    decoded = decode(value)
    if not isinstance(decoded, dict):
        raise ValueError('write it as JSON, such as {"name": 1}')
    wanted = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        fields = [each for each in dataclasses.fields(kind) if each.init]
        wanted = {each.name: wanted[each.name] for each in fields}
        without = dataclasses.MISSING
        needed = {each.name for each in fields if each.default is without and each.default_factory is without}
    else:
        needed = set(kind.__required_keys__)  # type: ignore[attr-defined]
    if unknown := [name for name in decoded if name not in wanted]:
        raise ValueError(f"it has no {unknown[0]!r}; {suggestion(str(unknown[0]), wanted)}")
    if missing := sorted(needed - decoded.keys()):
        raise ValueError(f"it lacks {listed(missing)}")
    read = {}
    for name, each in decoded.items():
        try:
            read[name] = _read(each, wanted[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return kind(**read)
