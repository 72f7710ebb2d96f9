"""Creates and starts the container of a job, stops and removes it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ....errors import ContainerError, DeliveryError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ...delivery.image.docker_client import (
    DockerClient,
    EngineAwayError,
    ObjectMissingError,
    engine_errors,
    engine_platform,
    wait_for_exit,
)
from ...delivery.image.image import Image
from ...delivery.image.image_source import find_image, image_platform
from .files import send_input
from .log import container_status

_ASKING_SECONDS = 1


def start_container(
    client: DockerClient,
    job_id: str,
    request: dict[str, Any],
    config: Mapping[str, bytes],
    inputs: Mapping[str, Path],
    checkpoints: Path | None = None,
) -> None:
    """Creates a container with its input, and starts it; nothing is left of one that cannot be started.

    Args:
        client: The daemon.
        job_id: The job, whose id is the container's name.
        request: What is created.
        config: The files of ``input/config``.
        inputs: What to send into the input channels; nothing that is mounted.
        checkpoints: The folder of the checkpoints that it begins with.

    Raises:
        ContainerError: If the daemon refuses it, or is away.
    """
    # After an interrupt, the daemon would still create it, perhaps after the clean-up has looked for it.
    try:
        with uninterrupted() as held, engine_errors(ContainerError, _explain(job_id, "created")):
            client.create_container_from_config(request, name=job_id)
    except EngineAwayError:
        remove_container(client, job_id)  # it may have been created, and the answer lost
        raise
    try:
        held.raise_any()
        send_input(client, job_id, config, inputs, checkpoints)
        _start(client, job_id)
    except BaseException:
        with uninterrupted():
            remove_container(client, job_id)
        raise


def check_platform(client: DockerClient, image: Image) -> None:
    """Warns of an image that the daemon can only run by emulating another processor."""
    found = find_image(client, image.image_id)
    runs = engine_platform(client)
    if found is not None and image_platform(found) != runs:
        Logger.warning(
            f"Image {image.reference!r} is made for {image_platform(found)}, and the Docker daemon runs {runs}: "
            "it works only if that emulates the other, and slowly"
        )


def stop_container(client: DockerClient, job_id: str, grace_seconds: int, send: Callable[[str], None]) -> None:
    """Stops a container, and kills it if that takes too long.

    SIGTERM is sent until it is handled: a container's first process ignores it until it has a handler.

    Args:
        client: The daemon.
        job_id: The job, whose id is the container's name.
        grace_seconds: How long it may take.
        send: Sends it a signal.

    Raises:
        ContainerError: If the daemon refuses it, or is away.
    """
    end = time.monotonic() + grace_seconds
    with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be stopped"):
        while client.inspect_container(job_id)["State"]["Running"]:
            send("SIGTERM" if time.monotonic() < end else "SIGKILL")
            wait_for_exit(client, job_id, _ASKING_SECONDS)


def remove_container(client: DockerClient, job_id: str) -> None:
    """Removes a container, if there is one; a warning says how to do that where it is not possible."""
    try:
        with engine_errors(ContainerError, _explain(job_id, "removed")):
            client.remove_container(job_id, v=True, force=True)
    except ObjectMissingError:
        return
    except ContainerError as e:
        Logger.warning(f"{e}; remove it with `docker rm --force --volumes {job_id}`")


def read_labels(connect: Callable[[], DockerClient], job_id: str) -> Mapping[str, str]:
    """Reads the labels of a job's container, of whatever machine; nothing if there is none.

    Args:
        connect: Connects to the daemon.
        job_id: The job.

    Raises:
        DeliveryError: If the daemon does not say.
    """
    try:
        with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be looked at"):
            return connect().inspect_container(job_id)["Config"].get("Labels") or {}
    except ObjectMissingError:
        return {}
    except ContainerError as error:
        raise DeliveryError(f"there is no job {job_id!r} here, and {error}") from error


def _start(client: DockerClient, job_id: str) -> None:
    try:
        with engine_errors(ContainerError, _explain(job_id, "started")):
            client.start(job_id)
    except EngineAwayError:
        if container_status(client, job_id) == "created":  # otherwise only the answer was lost
            raise


def _explain(job_id: str, what: str) -> str:
    return f"the container of job {job_id!r} cannot be {what}"
