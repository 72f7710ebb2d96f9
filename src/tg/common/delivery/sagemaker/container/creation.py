"""Creates and starts the container of a job, and removes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import ContainerError, DeliveryError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ...delivery.image.docker_client import DockerClient, EngineAwayError, ObjectMissingError, engine_errors
from .files import send_input
from .log import container_status


def start_container(
    client: DockerClient, job_id: str, request: dict[str, Any], config: Mapping[str, bytes], inputs: Mapping[str, Path]
) -> None:
    """Creates a container with its input, and starts it; nothing is left of one that cannot be started.

    Args:
        client: The daemon.
        job_id: The job, whose id is the container's name.
        request: What is created.
        config: The files of ``input/config``.
        inputs: What to send into the input channels; nothing that is mounted.

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
        send_input(client, job_id, config, inputs)
        _start(client, job_id)
    except BaseException:
        with uninterrupted():
            remove_container(client, job_id)
        raise


def remove_container(client: DockerClient, job_id: str) -> None:
    """Removes a container, if there is one; a warning says how to do that where it is not possible."""
    try:
        with engine_errors(ContainerError, _explain(job_id, "removed")):
            client.remove_container(job_id, v=True, force=True)
    except ObjectMissingError:
        return
    except ContainerError as e:
        Logger.warning(f"{e}; remove it with `docker rm --force --volumes {job_id}`")


def read_labels(client: DockerClient, job_id: str) -> Mapping[str, str]:
    """Reads the labels of a job's container; nothing if there is none.

    Raises:
        DeliveryError: If the daemon does not say.
    """
    try:
        with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be looked at"):
            return client.inspect_container(job_id)["Config"].get("Labels") or {}
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
