"""The limits of SageMaker's API, checked before anything slow is done.

Source: the Amazon SageMaker API reference, CreateTrainingJob.
"""

import re
from collections.abc import Mapping
from typing import Any

from ....errors import DeliveryError
from ....secrets import SecretMask
from ..naming.job_name import JOB_NAME

MOST_METRICS = 40
LONGEST_METRIC_NAME = 255
LONGEST_METRIC_REGEX = 500

_MOST_HYPERPARAMETERS = 100
_LONGEST_HYPERPARAMETER_NAME = 256
_LONGEST_HYPERPARAMETER = 2500
_MOST_VARIABLES = 100
_LONGEST_VARIABLE = 512
_MOST_TAGS = 50
_LONGEST_TAG_KEY = 128
_LONGEST_TAG = 256
_LONGEST_ARGUMENT = 256
_LONGEST_S3_URI = 1024
_LONGEST_IMAGE = 255

# Letters, digits and blanks of any language, as `\p{L}`, `\p{N}` and `\p{Z}` are.
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/?[\w+=,.@/-]+", re.ASCII)


def check_request(request: Mapping[str, Any]) -> None:
    """Checks a request against the service's limits.

    Args:
        request: In the shape of CreateTrainingJob.

    Raises:
        DeliveryError: For the first limit that is exceeded.
    """
    name = request["TrainingJobName"]
    if not JOB_NAME.fullmatch(name):
        raise DeliveryError(
            f"the job's name is {name!r}; give at most 63 letters, digits and hyphens, no hyphen first or last"
        )
    if not _ROLE.fullmatch(request["RoleArn"]):
        raise DeliveryError(f"role is {request['RoleArn']!r}; give a role's name or its ARN, 'arn:aws:iam::…:role/…'")
    # Before the limits of each, whose messages show the value.
    _check_secrets("environment", request.get("Environment", {}))
    _check_secrets("hyperparameters", request.get("HyperParameters", {}))
    _check_secrets("tags", {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])})
    _check_hyperparameters(request.get("HyperParameters", {}))
    _check_environment(request.get("Environment", {}))
    _check_tags(request.get("Tags", []))
    algorithm = request["AlgorithmSpecification"]
    if len(algorithm["TrainingImage"]) > _LONGEST_IMAGE:
        raise DeliveryError(
            f"the image is {algorithm['TrainingImage']!r}; its name may have {_LONGEST_IMAGE} characters"
        )
    for argument in algorithm.get("ContainerEntrypoint", ()):
        if len(argument) > _LONGEST_ARGUMENT:
            raise DeliveryError(f"the argument {argument!r} has more than {_LONGEST_ARGUMENT} characters; shorten it")
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request.get("InputDataConfig", ())]
    for uri in (*uris, request["OutputDataConfig"]["S3OutputPath"]):
        if len(uri) > _LONGEST_S3_URI:
            raise DeliveryError(f"the address {uri!r} has more than {_LONGEST_S3_URI} characters; shorten project_name")


def _check_hyperparameters(hyperparameters: Mapping[str, str]) -> None:
    if len(hyperparameters) > _MOST_HYPERPARAMETERS:
        raise DeliveryError(
            f"there are {len(hyperparameters)} hyperparameters, and SageMaker takes {_MOST_HYPERPARAMETERS}; set the "
            "others in the task itself"
        )
    for name, value in hyperparameters.items():
        if not isinstance(value, str):
            raise DeliveryError(
                f"hyperparameter {name!r} is {value!r}; SageMaker takes texts only, so give {str(value)!r}"
            )
        if not 1 <= len(name) <= _LONGEST_HYPERPARAMETER_NAME:
            raise DeliveryError(
                f"the hyperparameter's name {name!r} has more than {_LONGEST_HYPERPARAMETER_NAME} characters"
            )
        if len(value) > _LONGEST_HYPERPARAMETER or "\n" in value:
            raise DeliveryError(
                f"hyperparameter {name!r} has {len(value):,} characters in {value.count(chr(10)) + 1} lines; SageMaker "
                f"takes {_LONGEST_HYPERPARAMETER:,} in one line, so set it in the task itself"
            )


def _check_environment(environment: Mapping[str, str]) -> None:
    if len(environment) > _MOST_VARIABLES:
        raise DeliveryError(f"there are {len(environment)} variables in environment; SageMaker takes {_MOST_VARIABLES}")
    for name, value in environment.items():
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,511}", name):
            raise DeliveryError(f"environment has {name!r}; a variable's name has letters, digits and underscores")
        if not isinstance(value, str) or len(value) > _LONGEST_VARIABLE:
            size = f"{len(value):,} characters" if isinstance(value, str) else f"no text, but {value!r}"
            raise DeliveryError(
                f"variable {name!r} in environment has {size}; SageMaker takes texts of {_LONGEST_VARIABLE} characters"
            )


def _check_tags(tags: list[Mapping[str, str]]) -> None:
    if len(tags) > _MOST_TAGS:
        raise DeliveryError(f"there are {len(tags)} tags; SageMaker takes {_MOST_TAGS}")
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        if not 1 <= len(key) <= _LONGEST_TAG_KEY or not _TAG_TEXT.fullmatch(key) or key.lower().startswith("aws:"):
            raise DeliveryError(
                f"tags has the key {key!r}; give 1 to {_LONGEST_TAG_KEY} letters, digits, blanks and . _ : / = + - @, "
                "not beginning with 'aws:'"
            )
        if len(value) > _LONGEST_TAG or not _TAG_TEXT.fullmatch(value):
            raise DeliveryError(
                f"tag {key!r} is {value!r}; give at most {_LONGEST_TAG} letters, digits, blanks and . _ : / = + - @"
            )


def split_tags(tags: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Separates the tags that SageMaker accepts from the others, of which only the names are returned."""
    taken: dict[str, str] = {}
    for key, value in tags.items():
        try:
            _check_tags([{"Key": name, "Value": text} for name, text in (*taken.items(), (key, value))])
        except DeliveryError:
            continue
        taken[key] = value
    return taken, [key for key in tags if key not in taken]


def _check_secrets(where: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        text = str(value)
        if SecretMask().mask_named({name: text})[name] != text:
            raise DeliveryError(
                f"{name!r} in {where} looks like a secret, and whoever may look at the job would read it; let the job "
                "get it with its role, for example from AWS Secrets Manager"
            )
