"""Builds the exact request that creates a training's container."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import ContainerError
from ..contract.ml_folder import CHANNEL, MlFolder
from ..contract.variables import (
    DATASET_VARIABLE,
    JOB_NAME_VARIABLE,
    RESOURCE_VARIABLE,
    STOP_SECONDS_VARIABLE,
    TRAIN_ARGUMENT,
    describe_dataset,
)
from ..options.hosts import build_host_variables
from ..options.options import SagemakerOptions

JOB_LABEL = "tg-mlflow.job"

# A job's log is read from the engine, which therefore keeps all of it, whatever the daemon's settings are. This driver
# keeps text: bytes that are not UTF-8 become U+FFFD. (The driver `local` keeps bytes, but with it engine 20.10 loses
# the end of a line of more than 16 KiB.)
_LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": "1p"}}
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_BILLION = 1_000_000_000


def build_container_request(
    job_id: str,
    image: str,
    options: SagemakerOptions,
    resource: str,
    inputs: Mapping[str, Path],
    *,
    is_mounted: bool,
    stop_grace_seconds: float,
) -> dict[str, Any]:
    """Builds a container's description for the Docker Engine API's ``POST /containers/create``.

    Args:
        job_id: The job's id, which is also the container's name.
        image: The image's id or name.
        options: The limits and variables of the container.
        resource: Which of the package's objects is the job.
        inputs: What is in the input channels, absolute paths: a file lies in its channel, a folder is the channel.
        is_mounted: Whether the daemon sees them and mounts them read-only, so that they need not be sent.
        stop_grace_seconds: How long the job may take to stop before the engine kills it.

    Raises:
        ContainerError: If an option is invalid.
    """
    host: dict[str, Any] = {"LogConfig": _LOG_CONFIG}
    if inputs and is_mounted:
        targets = {path: MlFolder().find_channel(name) / describe_dataset(path) for name, path in inputs.items()}
        host["Mounts"] = [
            {"Type": "bind", "Source": str(path), "Target": target.as_posix(), "ReadOnly": True}
            for path, target in targets.items()
        ]
    if options.cpus is not None:
        if not options.cpus > 0:
            raise ContainerError(f"cpus is {options.cpus!r}; give a number above 0")
        host["NanoCpus"] = int(options.cpus * _BILLION)
    if options.memory is not None:
        # The same limit with swap: a training that needs more is killed instead of crawling.
        host["Memory"] = host["MemorySwap"] = parse_memory(options.memory)
    if options.gpus is not None:
        host["DeviceRequests"] = [{"Count": _count_gpus(options.gpus), "Capabilities": [["gpu"]]}]
    if options.network is not None:
        host["NetworkMode"] = options.network
    environment = {
        JOB_NAME_VARIABLE: job_id,
        "TRAINING_JOB_ARN": f"arn:aws:sagemaker:local:000000000000:training-job/{job_id}",
        RESOURCE_VARIABLE: resource,
        STOP_SECONDS_VARIABLE: str(round_grace(stop_grace_seconds)),
        **({DATASET_VARIABLE: describe_dataset(inputs[CHANNEL])} if CHANNEL in inputs else {}),
        **build_host_variables(options.distribution, options.hosts),
        **options.environment,
    }
    return {
        "Image": image,
        "Cmd": [TRAIN_ARGUMENT],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": {JOB_LABEL: job_id, "tg-mlflow.project": options.project_name},
        "StopSignal": "SIGTERM",
        "StopTimeout": round_grace(stop_grace_seconds),
        "HostConfig": host,
    }


def round_grace(seconds: float) -> int:
    """Rounds the time between SIGTERM and SIGKILL up to whole seconds, which the engine requires."""
    return math.ceil(seconds)


def parse_memory(text: str) -> int:
    """Parses an amount of memory, such as ``512m`` or ``1.5g``, into bytes.

    Raises:
        ContainerError: If it is invalid.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise ContainerError(f"memory is {text!r}; give a number and a unit, such as '512m' or '4g'")
    return int(float(match[1]) * _UNITS[match[2]])


def _count_gpus(gpus: str | int) -> int:
    if gpus == "all":
        return -1
    if not re.fullmatch(r"[1-9]\d*", str(gpus)):
        raise ContainerError(f"gpus is {gpus!r}; give 'all' or a number above 0")
    return int(gpus)
