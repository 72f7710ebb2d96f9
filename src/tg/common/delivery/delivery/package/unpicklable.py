"""Finds and describes the part of an object that cannot be pickled."""

import functools
import inspect
import types
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from ....exception_text import message_of
from .pickling import can_pickle


def describe_unpicklable(value: Any, path: str, error: Exception) -> str:
    """Describes the part that cannot be pickled: ``job.task.model_provider.model_fix is a lambda``, and more.

    Args:
        value: The whole object.
        path: Its name.
        error: What pickling it raised.
    """
    path, part = _find(value, path, seen=set())
    if isinstance(part, types.FunctionType) and part.__name__ == "<lambda>":
        return f"{path} is a lambda, which cannot be pickled; write it as a function of a module"
    if isinstance(part, (types.FunctionType, type)) and "<locals>" in part.__qualname__:
        return f"{path} is {part.__qualname__!r}, defined inside a function; define it at the top of a module"
    if "<locals>" in type(part).__qualname__:
        return f"{path} is of class {type(part).__qualname__!r}, defined inside a function; define it in a module"
    reason = message_of(error)
    return f"{path} is a {type(part).__name__}, which cannot be pickled ({reason}); make it where it is used instead"


def _find(value: Any, path: str, seen: set[int]) -> tuple[str, Any]:
    """Follows the first part that cannot be pickled as deep as possible."""
    seen.add(id(value))
    for name, part in _parts(value):
        if id(part) not in seen and not can_pickle(part):
            return _find(part, f"{path}{name}", seen)
    return path, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields what is pickled with an object, each with the expression that follows the object's name to reach it."""
    if isinstance(value, types.ModuleType):
        return
    if isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
        return
    if isinstance(value, type):
        if value.__module__ == "__main__":  # others are pickled by name
            for name, each in vars(value).items():
                if isinstance(each, types.FunctionType) or not name.startswith(("__", "_abc_impl")):
                    yield f".{name}", each
        return
    if isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        yield from ((f".args[{index}]", each) for index, each in enumerate(value.args))
        yield from ((f".keywords[{name!r}]", each) for name, each in value.keywords.items())
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield f"[{key!r}]", each
            yield f"'s key {key!r}", key
    elif isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes, range)):
        for index, each in enumerate(value):
            yield f"[{index}]", each
    for name in dict.fromkeys(_attributes(value)):
        if hasattr(value, name):
            yield f".{name}", getattr(value, name)


def _parts_of_function(value: types.FunctionType) -> Iterator[tuple[str, Any]]:
    if value.__module__ != "__main__":  # others are pickled by name
        return
    used = inspect.getclosurevars(value)
    for name, each in {**used.globals, **used.nonlocals}.items():
        yield f"'s variable {name!r}", each


def _attributes(value: Any) -> Iterator[str]:
    yield from getattr(value, "__dict__", {})
    for each in type(value).__mro__:
        slots = vars(each).get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
