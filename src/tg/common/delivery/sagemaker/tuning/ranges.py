"""The ranges from which SageMaker's tuner chooses a task's hyperparameters."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ....errors import DeliveryError, listed
from ....ml.training_core import AbstractTrainingTask

SCALES = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")

_MOST_RANGES = 30
_LONGEST_NAME = 256
_MOST_VALUES = 30
_LONGEST_VALUE = 256


@dataclass(frozen=True)
class NumberRange:
    """Numbers from ``low`` to ``high``, both included; whole ones if both are, unless the path says ``:float``.

    Attributes:
        low: The smallest number.
        high: The largest number.
        scale: ``Auto``, ``Linear``, ``Logarithmic`` or ``ReverseLogarithmic``.

    Raises:
        DeliveryError: If it is not a range.
    """

    low: float
    high: float
    scale: str = "Auto"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise DeliveryError(f"the range is from {self.low!r} to {self.high!r}; give a greater high than low")
        if self.scale not in SCALES:
            raise DeliveryError(f"scale is {self.scale!r}; give one of {listed(SCALES)}")
        if self.scale == "Logarithmic" and self.low <= 0:
            raise DeliveryError(f"the range from {self.low!r} is Logarithmic; give a low above 0, or another scale")


TuningRange: TypeAlias = NumberRange | Sequence[Any]
"""A range of numbers, or the values to choose from."""


def build_parameter_ranges(ranges: Mapping[str, TuningRange]) -> dict[str, list[dict[str, Any]]]:
    """Builds the tuner's description of ranges.

    A path may end with a type, such as ``model_provider.constructor.kwargs.C:float``, as in
    :func:`apply_hyperparameters`; the job reads it. Values that are not strings are written as JSON.

    Args:
        ranges: The ranges by path.

    Raises:
        DeliveryError: If they exceed the tuner's limits, or a type and its range do not match.
    """
    if not 1 <= len(ranges) <= _MOST_RANGES:
        raise DeliveryError(f"there are {len(ranges)} ranges; the tuner takes 1 to {_MOST_RANGES}")
    written: dict[str, list[dict[str, Any]]] = {}
    for name, choice in ranges.items():
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise DeliveryError(f"the name {name!r} of a range is empty or has more than {_LONGEST_NAME} characters")
        kind, entry = _build_numbers(name, choice) if isinstance(choice, NumberRange) else _build_list(name, choice)
        written.setdefault(f"{kind}ParameterRanges", []).append({"Name": name, **entry})
    return written


def check_ranges(task: AbstractTrainingTask, ranges: Mapping[str, TuningRange]) -> None:
    """Checks on a copy of a task that it has the paths and accepts the values of the ranges.

    Raises:
        HyperparameterError: If not; on SageMaker, every job of the tuner would fail.
    """
    trial = copy.deepcopy(task)
    for kind in build_parameter_ranges(ranges).values():
        for entry in kind:
            for value in entry.get("Values") or (entry["MinValue"], entry["MaxValue"]):
                trial.apply_hyperparams({entry["Name"]: value})


def _build_numbers(name: str, choice: NumberRange) -> tuple[str, dict[str, Any]]:
    type_name = name.partition(":")[2]
    are_whole = all(float(each).is_integer() for each in (choice.low, choice.high))
    if type_name not in ("", "int", "float") or (type_name == "int" and not are_whole):
        raise DeliveryError(f"the range of {name!r} is {choice!r}, which does not fit its type; correct one of them")
    is_integer = type_name == "int" or (not type_name and are_whole and _are_ints(choice))
    convert = int if is_integer else float
    low, high = str(convert(choice.low)), str(convert(choice.high))
    return ("Integer" if is_integer else "Continuous"), {
        "MinValue": low,
        "MaxValue": high,
        "ScalingType": choice.scale,
    }


def _are_ints(choice: NumberRange) -> bool:
    return isinstance(choice.low, int) and isinstance(choice.high, int)


def _build_list(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(values, str):
        raise DeliveryError(f"the values of {name!r} are the text {values!r}; give a list")
    texts = [each if isinstance(each, str) else json.dumps(each) for each in values]
    if not 1 <= len(texts) <= _MOST_VALUES or len(set(texts)) < len(texts):
        raise DeliveryError(f"the values of {name!r} are {listed(texts)}; give 1 to {_MOST_VALUES} different ones")
    for text in texts:
        if len(text) > _LONGEST_VALUE:
            raise DeliveryError(f"a value of {name!r} has {len(text)} characters; the tuner takes {_LONGEST_VALUE}")
    return "Categorical", {"Values": texts}
