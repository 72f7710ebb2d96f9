"""Checks the parameters of a SageMaker call as AWS does: by the service's own model, and by rules beyond it."""

import math
import re
from collections.abc import Iterator
from typing import Any

import botocore.session

from tests.aws_emulator.api_error import ApiError

_MODEL = botocore.session.get_session().get_service_model("sagemaker")


def check_parameters(operation: str, parameters: dict[str, Any]) -> None:
    """Checks members, types, lengths, patterns and choices.

    Raises:
        ApiError: With all that is wrong.
    """
    found = list(_find_violations(_MODEL.operation_model(operation).input_shape, parameters, ""))
    if found:
        errors = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
        raise ApiError("ValidationException", f"{errors} detected: {'; '.join(found)}")


def check_training_request(request: dict[str, Any]) -> None:
    """Checks what the model of ``CreateTrainingJob`` does not say.

    Raises:
        ApiError: With the first thing that is wrong.
    """
    check_parameters("CreateTrainingJob", request)
    algorithm, resources = request.get("AlgorithmSpecification", {}), request.get("ResourceConfig", {})
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        _refuse("You must specify either a TrainingImage or an AlgorithmName, and not both.")
    if "StoppingCondition" not in request or "ResourceConfig" not in request:
        _refuse("StoppingCondition and ResourceConfig are required for training jobs that run on instances.")
    if not resources.get("InstanceType") or not resources.get("InstanceCount") or not resources.get("VolumeSizeInGB"):
        _refuse("ResourceConfig needs InstanceType, InstanceCount and VolumeSizeInGB, each at least 1.")
    stopping = request["StoppingCondition"]
    if request.get("EnableManagedSpotTraining"):
        if stopping.get("MaxWaitTimeInSeconds", 0) < stopping.get("MaxRuntimeInSeconds", 86400):
            _refuse(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif "MaxWaitTimeInSeconds" in stopping:
        _refuse("MaxWaitTimeInSeconds is only supported with EnableManagedSpotTraining.")
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    if len(set(channels)) < len(channels):
        _refuse("Channel names must be unique within a training job.")
    for definition in algorithm.get("MetricDefinitions", ()):
        _check_regex(definition["Regex"])


def check_tuning_request(request: dict[str, Any]) -> None:
    """Checks what the model of ``CreateHyperParameterTuningJob`` does not say.

    Raises:
        ApiError: With the first thing that is wrong.
    """
    check_parameters("CreateHyperParameterTuningJob", request)
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None or "HyperParameterTuningJobObjective" not in config:
        _refuse("This emulator tunes one TrainingJobDefinition towards one HyperParameterTuningJobObjective.")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    if metric not in [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", ())]:
        _refuse(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )
    ranges = config.get("ParameterRanges", {})
    names = [each["Name"] for kind in ranges.values() for each in kind]
    if not 1 <= len(names) <= 30 or len(set(names)) < len(names):
        _refuse("A hyperparameter tuning job searches 1 to 30 different hyperparameters.")
    if both := set(names) & set(definition.get("StaticHyperParameters", {})):
        _refuse(f"Hyperparameters {sorted(both)} are both static and tuned.")
    for each in (*ranges.get("IntegerParameterRanges", ()), *ranges.get("ContinuousParameterRanges", ())):
        if not float(each["MinValue"]) < float(each["MaxValue"]):
            _refuse(f"MinValue of {each['Name']!r} must be less than its MaxValue.")
    for each in ranges.get("CategoricalParameterRanges", ()):
        if len(set(each["Values"])) < len(each["Values"]):
            _refuse(f"The values of {each['Name']!r} must be different.")
    count = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        if set(ranges) - {"CategoricalParameterRanges"}:
            _refuse("Grid search supports categorical hyperparameters only.")
        if count not in (None, math.prod(len(each["Values"]) for each in ranges["CategoricalParameterRanges"])):
            _refuse("MaxNumberOfTrainingJobs must be the number of all combinations of a grid.")
    elif count is None or not 1 <= count <= 750:
        _refuse("MaxNumberOfTrainingJobs must be from 1 to 750.")


def _check_regex(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ApiError("ValidationException", f"Invalid regular expression {text!r} in MetricDefinitions") from error


def _refuse(message: str) -> None:
    raise ApiError("ValidationException", message)


def _find_violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    expected: dict[str, Any] = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "timestamp": (int, float),
    }
    if not isinstance(value, expected.get(shape.type_name, object)):
        yield f"Value {value!r} at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    yield from (f"Value {_show(value)} at '{path}' failed to satisfy constraint: {c}" for c in _broken(shape, value))
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                where = _join(path, name)
                yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            if name in shape.members:
                yield from _find_violations(shape.members[name], member, _join(path, name))
            else:
                yield f"Value at '{_join(path, name)}' is no member of {shape.name}"
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from _find_violations(shape.key, key, f"{path}.key")
            yield from _find_violations(shape.value, member, f"{path}.{key}.member")
    elif shape.type_name == "list":
        for number, member in enumerate(value, 1):
            yield from _find_violations(shape.member, member, f"{path}.{number}.member")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    rules = shape.metadata
    measured = value if isinstance(value, int | float) else len(value)
    word = "value" if isinstance(value, int | float) else "length"
    if "min" in rules and measured < rules["min"]:
        yield f"Member must have {word} greater than or equal to {rules['min']}"
    if "max" in rules and measured > rules["max"]:
        yield f"Member must have {word} less than or equal to {rules['max']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"
    if "pattern" in rules and not re.fullmatch(_translate(rules["pattern"]), value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"


def _translate(pattern: str) -> str:
    """Writes Java's classes of characters as Python's; those of letters and digits become a little too wide."""
    for java, python in (("\\p{L}", "\\w"), ("\\p{N}", ""), ("\\p{Z}", "\\s"), ("\\p{Alnum}", "a-zA-Z0-9")):
        pattern = pattern.replace(java, python)
    return pattern


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _show(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str | int | float) else "at this member"
