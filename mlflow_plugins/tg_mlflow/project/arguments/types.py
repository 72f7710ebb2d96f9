"""Resolves annotations of Python's typing."""

import inspect
import numbers
import operator
import os
import types
import typing
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

UNIONS = (typing.Union, types.UnionType)
# Annotations of numbers that leave the class open.
_OPEN_NUMBERS: dict[Any, Any] = {
    **dict.fromkeys((numbers.Number, numbers.Complex, numbers.Real, typing.SupportsFloat), int | float),
    **dict.fromkeys((numbers.Integral, typing.SupportsInt, typing.SupportsIndex), int),
}
_QUALIFIERS = ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")


def strip(wanted: Any) -> Any:
    """Returns the type behind a NewType, an alias or a type variable."""
    while True:
        if isinstance(wanted, typing.NewType):
            wanted = wanted.__supertype__
        elif isinstance(wanted, typing.TypeVar):
            bound = Any if wanted.__bound__ is None else wanted.__bound__
            wanted = reduce(operator.or_, wanted.__constraints__) if wanted.__constraints__ else bound
        elif type(wanted).__name__ == "TypeAliasType":
            wanted = wanted.__value__
        elif getattr(typing.get_origin(wanted), "_name", None) in _QUALIFIERS:
            (wanted,) = typing.get_args(wanted)
        elif inspect.isclass(wanted) and wanted in _OPEN_NUMBERS:
            wanted = _OPEN_NUMBERS[wanted]
        else:
            return wanted


def kind_of(wanted: Any) -> type:
    """Returns the class of an annotation; ``object`` if it has none."""
    wanted = strip(wanted)
    if typing.get_origin(wanted) is Annotated:
        return kind_of(typing.get_args(wanted)[0])
    kind = typing.get_origin(wanted) or wanted
    if kind is os.PathLike:
        return Path
    return kind if inspect.isclass(kind) else object


def members_of(wanted: Any) -> Iterator[Any]:
    """Yields the members of a union, those of unions in it included."""
    for member in typing.get_args(wanted):
        stripped = strip(member)
        if typing.get_origin(stripped) in UNIONS:
            yield from members_of(stripped)
        else:
            yield stripped
