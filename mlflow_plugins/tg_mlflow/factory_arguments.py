"""Converts the texts that a user gives to what a factory's signature asks for."""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any

from tg.common.errors import listed, suggestion
from tg.common.secret_mask import MASK
from tg_mlflow.argument_values import read_value
from tg_mlflow.errors import ProjectError

# Default values that tell what a parameter without an annotation takes.
_TELLING = (bool, int, float, list, dict, tuple, set, frozenset, Enum, PurePath, date, time, timedelta)


def convert_arguments(factory: Callable[..., Any], texts: Mapping[str, str], target: str) -> dict[str, Any]:
    """Converts texts to what the factory's annotations say, as :func:`read_value` does.

    A parameter without an annotation takes the type of its default value, if that is a bool, number, list or the like,
    and else a text. A parameter whose default is None may be None. Of a union, the most specific member that fits is
    taken, in whatever order they are written, and a text last.

    Args:
        factory: What will be called.
        texts: Values by parameter.
        target: How to name the factory in a message.

    Raises:
        ProjectError: For a parameter that is unknown or missing, and a value that does not fit.
    """
    parameters = inspect.signature(factory).parameters
    named = {name for name, each in parameters.items() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    others = next((each for each in parameters.values() if each.kind is each.VAR_KEYWORD), None)
    for name in texts:
        if name not in named and others is None:
            raise ProjectError(f"argument {name!r} is unknown to factory {target}; {suggestion(name, sorted(named))}")
    if missing := [name for name in named if parameters[name].default is inspect.Parameter.empty and name not in texts]:
        raise ProjectError(f"factory {target} needs arguments that are not given: {listed(sorted(missing))}")
    annotations = _read_annotations(factory)
    converted = {}
    for name, text in texts.items():
        parameter = parameters[name] if name in named else others
        assert parameter is not None
        wanted = _type_of(parameter, name, annotations)
        try:
            converted[name] = read_value(text, wanted)
        except ValueError as error:
            what, of_type = f"argument {name!r} of factory {target} is", f"not of type {_name_of(wanted)}"
            if _holds_secret(wanted):
                raise ProjectError(f"{what} {MASK}, {of_type}") from None
            raise ProjectError(f"{what} {text!r}, {of_type}: {' '.join(str(error).split())}") from error
    return converted


def _type_of(parameter: inspect.Parameter, name: str, annotations: Mapping[str, Any]) -> Any:
    if parameter.kind is parameter.VAR_KEYWORD:
        wanted = annotations.get(parameter.name, Any)
        if getattr(typing.get_origin(wanted), "__name__", None) == "Unpack" or hasattr(wanted, "__unpacked__"):
            wanted = typing.get_type_hints(typing.get_args(wanted)[0], include_extras=True).get(name, Any)
        return wanted
    wanted = annotations.get(name, Any)
    if wanted is Any and isinstance(parameter.default, _TELLING):
        return type(parameter.default)
    if parameter.default is not None or wanted in (Any, object) or type(None) in typing.get_args(wanted):
        return wanted
    return typing.Optional[wanted]  # noqa: UP045 - not every annotation takes an |


def _read_annotations(factory: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a factory's parameters, those that are texts resolved; one that cannot be says nothing.

    Such are names that are imported for type checkers alone.
    """
    while isinstance(factory, functools.partial):
        factory = factory.func
    if inspect.isclass(factory):
        factory = factory.__init__
    elif not (inspect.isroutine(factory) or hasattr(factory, "__wrapped__")):
        factory = type(factory).__call__
    try:
        return typing.get_type_hints(factory, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating what people write as annotations raises anything
        pass
    resolved, module = dict[str, Any](), getattr(inspect.unwrap(factory), "__globals__", {})
    for name, annotation in getattr(inspect.unwrap(factory), "__annotations__", {}).items():
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            resolved |= typing.get_type_hints(holder, module, include_extras=True)
        except Exception:  # noqa: BLE001 - likewise
            continue
    return resolved


def _holds_secret(wanted: Any) -> bool:
    """Whether an annotation names a type that hides its value, such as pydantic's SecretStr."""
    return hasattr(wanted, "get_secret_value") or any(_holds_secret(each) for each in typing.get_args(wanted))


def _name_of(wanted: Any) -> str:
    if typing.get_origin(wanted) is typing.Annotated:
        return _name_of(typing.get_args(wanted)[0])
    return wanted.__name__ if inspect.isclass(wanted) and typing.get_origin(wanted) is None else str(wanted)
