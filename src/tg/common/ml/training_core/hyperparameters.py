"""Sets parts of an object by dotted paths, as a tuner or a configuration names them."""

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import HyperparameterError, listed
from .hyperparameter_path import HyperparameterPath
from .hyperparameter_values import TYPES, convert_hyperparameter


def apply_hyperparameters(target: object, hyperparameters: Mapping[str, Any]) -> None:
    """Sets the parts of ``target`` that ``hyperparameters`` names.

    A key is a path, optionally followed by a type: ``model_provider.constructor.kwargs.C:float``. A step of the path is
    an attribute of an object, a key of a mapping or an index of a list or tuple. A key that is not text is written as
    Python or JSON writes it (``class_weight.0``), and may have dots in it; a tuple of which an item is set is replaced.
    The types are ``int``, ``float``, ``bool``, ``str`` and ``json``. With a type, a text, number or bool is converted
    to it (``json`` reads texts only). Without one, a text is converted to the type of the value it replaces if that is
    a bool, int or float, and read as JSON if that is a list, tuple or dictionary: SageMaker passes every hyperparameter
    as a text. If it replaces nothing, or ``None``, or anything else in ``kwargs``, it is what it reads as in JSON (a
    number, bool, ``None``, list or dictionary), and otherwise itself; another text is replaced by a text, or by a list
    or dictionary. ``:str`` keeps a text such as ``1.0`` a text. What is not text is set as it is.

    JSON has only texts as keys. Those of a dictionary that is read take the type of the keys that they replace; where
    they replace none, they are ints if all of them are written as ints.

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
    name, colon, type_name = key.partition(":")
    if colon and type_name not in TYPES:
        raise HyperparameterError(f"hyperparameter {key!r}: unknown type {type_name!r}; types are {listed(TYPES)}")
    path = HyperparameterPath.find(target, name, key)
    converted = convert_hyperparameter(key, value, type_name or None, path.current, path.is_open)
    return lambda: path.set(converted)
