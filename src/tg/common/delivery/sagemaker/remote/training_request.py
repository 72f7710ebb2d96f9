"""Builds the exact request that creates a training job on SageMaker."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from ....errors import DeliveryError
from ..aws.s3_location import S3Location
from ..contract.metric_lines import MARKER
from ..contract.ml_folder import CHANNEL, CODE_CHANNEL
from ..contract.variables import DATASET_VARIABLE, RESOURCE_VARIABLE, SUBMISSION_VARIABLE, WHOLE_CHANNEL
from ..options.hosts import build_host_variables
from ..options.options import SagemakerOptions
from .limits import LONGEST_METRIC_NAME, LONGEST_METRIC_REGEX, MOST_METRICS, check_request

# Machines with local disks, which are always encrypted and accept no key.
_WITH_OWN_DISK = re.compile(r"ml\.(g4dn|g[567]e?|p3dn|p4d|p4de|p5\w*|p6\S*|trn\w+|\w*\dd)\.")
# SageMaker only knows finite numbers.
_NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
_IN_ECR = re.compile(r"\d{12}\.dkr\.ecr[.-]")


def build_training_request(
    job_id: str,
    options: SagemakerOptions,
    *,
    role: str,
    bucket: str,
    image: str,
    resource: str,
    metric_names: Sequence[str] = (),
    dataset: S3Location | None = None,
    channels: Mapping[str, S3Location] = MappingProxyType({}),
    code: S3Location | None = None,
    entrypoint: Sequence[str] = (),
    submission: str | None = None,
) -> dict[str, Any]:
    """Builds a job's description for SageMaker's CreateTrainingJob.

    Args:
        job_id: The job's name.
        options: Its options.
        role: The role's ARN.
        bucket: The bucket of the results.
        image: The image's name in its registry.
        resource: Which of the package's objects is the job.
        metric_names: The task's metrics.
        dataset: The dataset; a folder's key ends with a slash.
        channels: What is in further input channels; a folder's key ends with a slash.
        code: The package's location, if it is not in the image.
        entrypoint: The command that starts the package then.
        submission: Identifies this attempt, so that the owner of the created job is known.

    Raises:
        DeliveryError: If something exceeds SageMaker's limits.
    """
    remote, output = options.remote, f"s3://{bucket}/sagemaker/{options.project_name}/output"
    definitions, _ = build_metric_definitions(metric_names)
    algorithm: dict[str, Any] = {"TrainingImage": image, "TrainingInputMode": "File"}
    if definitions:
        algorithm["MetricDefinitions"] = definitions
    if entrypoint:
        algorithm["ContainerEntrypoint"] = list(entrypoint)
    if remote.vpc is not None and not _IN_ECR.match(image):
        algorithm["TrainingImageConfig"] = {"TrainingRepositoryAccessMode": "Vpc"}
    inputs = [
        *([_build_channel(CHANNEL, dataset)] if dataset is not None else []),
        *(_build_channel(name, location) for name, location in channels.items()),
        *([_build_channel(CODE_CHANNEL, code)] if code is not None else []),
    ]
    request: dict[str, Any] = {
        "TrainingJobName": job_id,
        "RoleArn": role,
        "AlgorithmSpecification": algorithm,
        "HyperParameters": dict(options.hyperparameters),
        "InputDataConfig": inputs,
        "OutputDataConfig": {"S3OutputPath": output, **({"KmsKeyId": remote.kms_key} if remote.kms_key else {})},
        "ResourceConfig": _build_resources(options),
        "StoppingCondition": _build_stopping_condition(options),
        "EnableNetworkIsolation": remote.network_isolation,
        "EnableInterContainerTrafficEncryption": remote.encrypt_inter_container_traffic,
        "EnableManagedSpotTraining": remote.spot,
        "Environment": {
            RESOURCE_VARIABLE: resource,
            **({} if dataset is None else {DATASET_VARIABLE: _describe(dataset)}),
            **build_host_variables(options.distribution, 1),
            **({} if submission is None else {SUBMISSION_VARIABLE: submission}),
            **options.environment,
        },
        "Tags": [{"Key": key, "Value": value} for key, value in remote.tags.items()],
    }
    if remote.vpc is not None:
        vpc = remote.vpc
        request["VpcConfig"] = {"SecurityGroupIds": list(vpc.security_group_ids), "Subnets": list(vpc.subnets)}
    if (uri := checkpoints_uri(job_id, options, bucket)) is not None:
        request["CheckpointConfig"] = {"S3Uri": uri}
    if remote.retry_attempts is not None:
        request["RetryStrategy"] = {"MaximumRetryAttempts": remote.retry_attempts}
    request = {name: value for name, value in request.items() if value not in ({}, [])}
    check_request(request)
    return request


def build_metric_definitions(names: Iterable[str]) -> tuple[list[dict[str, str]], list[str]]:
    """Builds the definitions that match the lines ``###METRIC###<name>:<value>###``.

    Args:
        names: The metrics' names.

    Returns:
        The definitions, at most 40, and the names that have none.
    """
    definitions: list[dict[str, str]] = []
    left_out: list[str] = []
    for name in dict.fromkeys(names):
        regex = f"{MARKER.decode()}{re.escape(name)}:{_NUMBER}###"
        fits = 1 <= len(name) <= LONGEST_METRIC_NAME and len(regex) <= LONGEST_METRIC_REGEX
        if fits and len(definitions) < MOST_METRICS:
            definitions.append({"Name": name, "Regex": regex})
        else:
            left_out.append(name)
    return definitions, left_out


def checkpoints_uri(job_id: str, options: SagemakerOptions, bucket: str) -> str | None:
    """Returns the address of a job's checkpoints; ``None`` if none are kept."""
    checkpoints = options.remote.checkpoints
    if isinstance(checkpoints, str):
        return checkpoints
    if not checkpoints and options.start_checkpoints is None:
        return None
    return f"s3://{bucket}/sagemaker/{options.project_name}/checkpoints/{job_id}"


def _build_channel(name: str, location: S3Location) -> dict[str, Any]:
    if location.key.endswith("//"):
        raise DeliveryError(f"{str(location)!r} ends with two slashes; correct dataset")
    source = {"S3DataType": "S3Prefix", "S3Uri": str(location), "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def _describe(dataset: S3Location) -> str:
    return WHOLE_CHANNEL if dataset.key.endswith("/") else PurePosixPath(dataset.key).name


def _build_resources(options: SagemakerOptions) -> Mapping[str, Any]:
    remote = options.remote
    resources: dict[str, Any] = {
        "InstanceType": remote.instance_type,
        "InstanceCount": remote.instance_count,
        "VolumeSizeInGB": remote.volume_gb,
    }
    if remote.kms_key is not None and not _WITH_OWN_DISK.match(remote.instance_type):
        resources["VolumeKmsKeyId"] = remote.kms_key
    if remote.keep_alive_seconds is not None:
        resources["KeepAlivePeriodInSeconds"] = remote.keep_alive_seconds
    return resources


def _build_stopping_condition(options: SagemakerOptions) -> Mapping[str, int]:
    remote = options.remote
    condition = {"MaxRuntimeInSeconds": remote.max_run_seconds}
    if remote.spot:
        condition["MaxWaitTimeInSeconds"] = remote.max_wait_seconds or 2 * remote.max_run_seconds
    return condition
