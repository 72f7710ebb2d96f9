"""Converts a user's strings to the types of a factory's signature."""

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from tg.common.errors import listed, suggestion
from tg.common.secrets import MASK
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.arguments.values import is_known, read_value

_LONGEST_SHOWN = 200


def convert_arguments(factory: Callable[..., Any], texts: Mapping[str, str], target: str) -> dict[str, Any]:
    """Converts strings by the factory's annotations, as :func:`read_value` does.

    A parameter without an annotation takes the type of its default value, if texts of that can be read, and else a
    text. A parameter whose default is None may be None, and any other default may be given as it is printed, whatever
    the annotation says (``share: float = "auto"``). Of a union, the most specific member that fits is taken, in
    whatever order they are written, and a text last.

    Args:
        factory: The factory.
        texts: Values by parameter.
        target: The factory's name in messages.

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
            if parameter.kind is not parameter.VAR_KEYWORD and text == str(parameter.default):
                converted[name] = parameter.default
                continue
            what, of_type = f"argument {name!r} of factory {target} is", f"not of type {_name_of(wanted)}"
            if _holds_secret(wanted):
                raise ProjectError(f"{what} {MASK}, {of_type}") from None
            reason = f"{_shorten(repr(text))}, {of_type}: {_shorten(' '.join(str(error).split()))}"
            raise ProjectError(f"{what} {reason}") from error
    return converted


def _type_of(parameter: inspect.Parameter, name: str, annotations: Mapping[str, Any]) -> Any:
    if parameter.kind is parameter.VAR_KEYWORD:
        wanted = annotations.get(parameter.name, Any)
        if getattr(typing.get_origin(wanted), "__name__", None) == "Unpack" or hasattr(wanted, "__unpacked__"):
            wanted = typing.get_type_hints(typing.get_args(wanted)[0], include_extras=True).get(name, Any)
        return wanted
    wanted = annotations.get(name, Any)
    default = parameter.default
    if _says_nothing(wanted) and not (default is None or callable(default)):
        return type(default) if is_known(type(default)) else wanted
    if default is not None or type(None) in typing.get_args(wanted):
        return wanted
    if wanted in (Any, object):
        return typing.Optional[str]  # noqa: UP045 - likewise
    return typing.Optional[wanted]  # noqa: UP045 - not every annotation takes an |


def _says_nothing(wanted: Any) -> bool:
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        return all(map(_says_nothing, typing.get_args(wanted)))
    return wanted is Any or isinstance(wanted, _Unknown)


def _read_annotations(factory: Callable[..., Any]) -> dict[str, Any]:
    """Returns the annotations of a factory's parameters, strings resolved; unresolvable ones are dropped.

    Examples are names that are imported for type checkers only.
    """
    while isinstance(factory, functools.partial):
        factory = factory.func
    if inspect.isclass(factory):
        factory = factory.__init__
    elif not (inspect.isroutine(factory) or hasattr(factory, "__wrapped__")):
        factory = type(factory).__call__
    factory = inspect.unwrap(factory)
    resolved, module = dict[str, Any](), getattr(factory, "__globals__", {})
    for name, annotation in _list_annotations(factory).items():
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        resolved |= _resolve(holder, module)
    return resolved


def _list_annotations(factory: Any) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):  # where they are evaluated only now
        import annotationlib

        return annotationlib.get_annotations(factory, format=annotationlib.Format.FORWARDREF)
    return getattr(factory, "__annotations__", {})


class _Unknown(type):
    """The type of what stands for a name that means nothing while the program runs, and for its attributes."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __getitem__(cls, item: object) -> type:
        return cls


def _resolve(holder: Any, module: Mapping[str, Any]) -> dict[str, Any]:
    """Resolves annotations that are texts; nothing of what cannot be, for another reason than unknown names."""
    unknown = dict[str, Any]()
    while True:
        try:
            return typing.get_type_hints(holder, dict(module), unknown, include_extras=True)
        except NameError as error:
            if not error.name or error.name in unknown:
                return {}
            unknown[error.name] = _Unknown(error.name, (), {})
        except Exception:  # noqa: BLE001 - evaluating annotations may raise anything
            return {}


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _holds_secret(wanted: Any, seen: tuple[Any, ...] = ()) -> bool:
    """Returns whether an annotation is a type that hides its value, such as SecretStr, or has such parts."""
    if hasattr(wanted, "get_secret_value"):
        return True
    parts = [*typing.get_args(wanted), *(wanted if isinstance(wanted, list) else ())]
    if inspect.isclass(wanted) and wanted not in seen:
        seen = (*seen, wanted)
        for each in wanted.__mro__:
            parts += _resolve(each, vars(sys.modules.get(each.__module__, object))).values()
    return any(_holds_secret(each, seen) for each in parts)


def _name_of(wanted: Any) -> str:
    if typing.get_origin(wanted) is typing.Annotated:
        return _name_of(typing.get_args(wanted)[0])
    return wanted.__name__ if inspect.isclass(wanted) and typing.get_origin(wanted) is None else str(wanted)
