"""Builds the exact request for SageMaker's own tuner, which creates training jobs by itself.

Source: the Amazon SageMaker API reference, CreateHyperParameterTuningJob.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from ....errors import DeliveryError, listed, suggestion
from .ranges import NumberRange, TuningRange, build_parameter_ranges

STRATEGIES = ("Bayesian", "Random", "Grid")
LONGEST_TUNING_NAME = 32

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_MOST_HYPERPARAMETERS = 100
_MOST_VARIABLES = 48
# The fields that a training job and a tuner's definition of such jobs share.
_SHARED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)
_MODES = {"max": "Maximize", "min": "Minimize"}


def build_tuning_request(
    name: str,
    training: Mapping[str, Any],
    ranges: Mapping[str, TuningRange],
    *,
    metric: str,
    mode: Literal["max", "min"] = "max",
    max_jobs: int | None = None,
    max_parallel: int = 1,
    strategy: str = "Bayesian",
    random_seed: int | None = None,
) -> dict[str, Any]:
    """Builds a tuner's description for SageMaker's CreateHyperParameterTuningJob.

    Each of its jobs gets the hyperparameters of ``training``, one choice from ``ranges``, and
    ``_tuning_objective_metric``, which :class:`SagemakerJob` ignores.

    Args:
        name: The tuner's name, with which its jobs' names begin.
        training: The request of one job, from :func:`build_training_request`.
        ranges: The tuned ranges, by path.
        metric: The metric to optimize; one of ``training``.
        mode: Whether the largest or the smallest value is best.
        max_jobs: The largest number of jobs; not for a grid, which has one for each combination.
        max_parallel: How many of them run at the same time.
        strategy: ``Bayesian``, ``Random`` or ``Grid``.
        random_seed: The seed of its choices.

    Raises:
        DeliveryError: If something exceeds the tuner's limits, or is not possible for its jobs.
    """
    if not _NAME.fullmatch(name):
        raise DeliveryError(
            f"the tuner's name is {name!r}; give at most {LONGEST_TUNING_NAME} letters, digits and hyphens, no hyphen "
            "first or last"
        )
    if strategy not in STRATEGIES:
        raise DeliveryError(f"strategy is {strategy!r}; {suggestion(strategy, STRATEGIES)}")
    if mode not in _MODES:
        raise DeliveryError(f"mode is {mode!r}; give 'max' or 'min'")
    if max_parallel < 1 or (max_jobs is not None and max_jobs < 1):
        raise DeliveryError(f"max_jobs is {max_jobs!r} and max_parallel {max_parallel!r}; give 1 or more")
    if (strategy == "Grid") != (max_jobs is None):
        raise DeliveryError(f"max_jobs is {max_jobs!r} with strategy {strategy!r}; give it, but not for 'Grid'")
    if strategy == "Grid" and (numbers := [key for key, each in ranges.items() if isinstance(each, NumberRange)]):
        raise DeliveryError(f"{listed(numbers)} are ranges of numbers, which a 'Grid' does not take; list their values")
    definition = build_tuning_definition(training)
    _check_metric(metric, definition)
    _check_names(ranges, definition.get("StaticHyperParameters", {}))
    limits = {"MaxParallelTrainingJobs": max_parallel}
    if max_jobs is not None:
        limits["MaxNumberOfTrainingJobs"] = max_jobs
    config: dict[str, Any] = {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": _MODES[mode], "MetricName": metric},
        "ResourceLimits": limits,
        "ParameterRanges": build_parameter_ranges(ranges),
    }
    if random_seed is not None:
        config["RandomSeed"] = random_seed
    request = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": definition,
    }
    return {**request, "Tags": training["Tags"]} if training.get("Tags") else request


def build_tuning_definition(training: Mapping[str, Any]) -> dict[str, Any]:
    """Builds the common part of a tuner's jobs: the request of one of them, without its name and tags.

    Args:
        training: That request, from :func:`build_training_request`.

    Raises:
        DeliveryError: If it has something that is not possible for a tuner's jobs.
    """
    algorithm = training["AlgorithmSpecification"]
    if "ContainerEntrypoint" in algorithm:
        raise DeliveryError(
            f"the package is not in the image {algorithm['TrainingImage']!r}, and the tuner starts only what an image "
            "starts by itself; leave out image_uri, so that an image is built"
        )
    if "TrainingImageConfig" in algorithm:
        raise DeliveryError(
            f"the tuner takes no image from a registry in a VPC, as {algorithm['TrainingImage']!r} is; leave out "
            "image_repository, so that it is pushed to ECR"
        )
    if "CheckpointConfig" in training:
        raise DeliveryError(
            f"all jobs of a tuner would be given the same checkpoints, {training['CheckpointConfig']['S3Uri']!r}, and "
            "might continue each other's; leave out checkpoints"
        )
    if len(training.get("Environment", {})) > _MOST_VARIABLES:
        count = len(training["Environment"])
        raise DeliveryError(f"there are {count} variables in environment; the tuner takes {_MOST_VARIABLES}")
    definition = {key: training[key] for key in _SHARED if key in training}
    if training.get("HyperParameters"):
        definition["StaticHyperParameters"] = dict(training["HyperParameters"])
    return definition


def _check_metric(metric: str, definition: Mapping[str, Any]) -> None:
    known = [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", ())]
    if metric not in known:
        raise DeliveryError(
            f"the metric {metric!r} is not among the {len(known)} that SageMaker reads in the log; "
            f"{suggestion(metric, known)}"
        )


def _check_names(ranges: Mapping[str, TuningRange], static: Mapping[str, str]) -> None:
    if len(ranges) + len(static) + 1 > _MOST_HYPERPARAMETERS:  # one more names the metric
        raise DeliveryError(
            f"there are {len(static)} hyperparameters besides {len(ranges)} that are tuned; the tuner takes "
            f"{_MOST_HYPERPARAMETERS - 1} together, so set some in the task itself"
        )
    keys: dict[str, str] = {}
    for key in (*static, *ranges):
        path = key.partition(":")[0]
        if path in keys:
            raise DeliveryError(f"both {keys[path]!r} and {key!r} set {path!r}; leave one of them out")
        keys[path] = key
