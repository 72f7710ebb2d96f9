"""Sets parts of an object by dotted paths, as a tuner or a configuration names them."""

import json
import numbers
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence
from typing import Any

import numpy as np

from ...errors import HyperparameterError, listed, suggestion


def apply_hyperparameters(target: object, hyperparameters: Mapping[str, Any]) -> None:
    """Sets the parts of ``target`` that ``hyperparameters`` names.

    A key is a path, optionally followed by a type: ``model_provider.constructor.kwargs.C:float``. A step of the path is
    an attribute of an object, a key of a mapping or an index of a list. The types are ``int``, ``float``, ``bool``,
    ``str`` and ``json``. With a type, a text, number or bool is converted to it (``json`` reads texts only). Without
    one, a text is converted to the type of the value it replaces if that is a bool, int or float, and read as JSON if
    that is a list, tuple or dictionary: SageMaker passes every hyperparameter as a text. If it replaces nothing, or
    ``None``, it is what it reads as in JSON (a number, bool, ``None``, list or dictionary), and otherwise itself;
    ``:str`` keeps a text such as ``1.0`` a text. What is no text is set as it is.

    What a path names must exist, with one exception: ``kwargs`` mappings are open, since the callable they are meant
    for checks their names itself.

    Args:
        target: The object to change.
        hyperparameters: Values by path.

    Raises:
        HyperparameterError: For a path that does not exist, an unknown type or a value that does not fit. All keys are
            checked first, so nothing has been changed then.
    """
    assignments = [_prepare(target, key, value) for key, value in hyperparameters.items()]
    for assign in assignments:
        assign()


def _prepare(target: object, key: str, value: Any) -> Callable[[], None]:
    path, colon, type_name = key.partition(":")
    if colon and type_name not in _CONVERTERS:
        raise HyperparameterError(
            f"hyperparameter {key!r}: unknown type {type_name!r}; types are {listed(_CONVERTERS)}"
        )
    steps = path.split(".")
    if not all(steps):
        raise HyperparameterError(f"hyperparameter {key!r}: a path is names joined by single dots, such as 'a.b.c'")
    holder = target
    for position, step in enumerate(steps[:-1]):
        holder = _get(holder, step, key, steps[:position])
    leaf = steps[-1]
    is_open = len(steps) > 1 and steps[-2] == "kwargs" and isinstance(holder, MutableMapping)
    current = None if is_open and leaf not in holder else _get(holder, leaf, key, steps[:-1])  # type: ignore[operator]
    if getattr(getattr(holder, "__dataclass_params__", None), "frozen", False):
        raise HyperparameterError(
            f"hyperparameter {key!r}: {type(holder).__name__} cannot be changed; set the part of the task that holds it"
        )
    if type_name and isinstance(value, numbers.Real) and type_name != "json":
        value = str(value)
    converted = _convert(key, value, type_name or _type_name_of(current))
    return lambda: _set(holder, leaf, converted)


def _get(holder: object, step: str, key: str, walked: list[str]) -> Any:
    if isinstance(holder, MutableMapping):
        if step in holder:
            return holder[step]
        names = [name for name in holder if isinstance(name, str)]
    elif isinstance(holder, MutableSequence):
        if step.isdecimal() and int(step) < len(holder):
            return holder[int(step)]
        names = [str(index) for index in range(len(holder))]
    else:
        names = [name for name in getattr(holder, "__dict__", {}) if not name.startswith("_")]
        if step in names:
            return getattr(holder, step)
    where = ".".join(walked) or "the task"
    raise HyperparameterError(
        f"hyperparameter {key!r}: {where} ({type(holder).__name__}) has no {step!r}; {suggestion(step, names)}"
    )


def _set(holder: Any, leaf: str, value: Any) -> None:
    if isinstance(holder, MutableMapping):
        holder[leaf] = value
    elif isinstance(holder, MutableSequence):
        holder[int(leaf)] = value
    else:
        setattr(holder, leaf, value)


def _type_name_of(current: Any) -> str | None:
    if current is None:
        return "guess"
    if isinstance(current, (list, tuple, dict)):
        return "tuple" if isinstance(current, tuple) else "json"
    if isinstance(current, (bool, np.bool_)):  # a bool is an Integral too
        return "bool"
    if isinstance(current, numbers.Integral):
        return "int"
    return "float" if isinstance(current, numbers.Real) else None


def _convert(key: str, value: Any, type_name: str | None) -> Any:
    if type_name is None or not isinstance(value, str):
        return value
    try:
        return {**_CONVERTERS, **_GUESSES}[type_name](value.strip())
    except (ValueError, TypeError) as error:
        raise HyperparameterError(f"hyperparameter {key!r}: {value!r} is not of type {type_name}") from error


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
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "int": _to_int,
    "float": float,
    "bool": _to_bool,
    "str": str,
    "json": json.loads,
}


def _guess(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


# What a text becomes that nobody has given a type; no types of a key.
_GUESSES: dict[str, Callable[[str], Any]] = {"guess": _guess, "tuple": lambda text: tuple(json.loads(text))}
