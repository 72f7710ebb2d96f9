"""The containers of a job's further hosts, and the network on which all of them reach each other.

The leader's container is the job's: its log and results are those of all hosts.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....errors import ContainerError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ...delivery.image.docker_client import DockerClient, ObjectMissingError, engine_errors
from ..contract.ml_folder import build_input_config, name_hosts
from ..executor.job_state import JobState, JobStatus
from ..job_files.job_folder import JobFolder
from ..options.options import SagemakerOptions
from .creation import remove_container, start_container
from .request import JOB_LABEL

HOST_LABEL = "tg-mlflow.host-of"
COUNT_LABEL = "tg-mlflow.hosts"
_NAME = "hosts.json"


def start_hosts(
    client: DockerClient,
    job_id: str,
    request: dict[str, Any],
    options: SagemakerOptions,
    inputs: Mapping[str, Path],
    sent: Mapping[str, Path],
    checkpoints: Path,
) -> None:
    """Starts a job's containers; nothing is left if one cannot be started.

    Args:
        client: The daemon.
        job_id: The job, whose id is the name of the leader's container.
        request: What is created for each, as on one host.
        options: The job's.
        inputs: What is in the input channels.
        sent: What of that to send into them; nothing that is mounted.
        checkpoints: The folder of the checkpoints that each host begins with.

    Raises:
        ContainerError: If the daemon refuses one, or is away.
    """
    hyperparameters, count = options.hyperparameters, options.hosts
    if count == 1:
        start_container(client, job_id, request, build_input_config(hyperparameters, inputs), sent, checkpoints)
        return
    names = name_hosts(count)
    note_hosts(JobFolder.find(job_id), count)
    try:
        with uninterrupted() as held, engine_errors(ContainerError, f"the network of job {job_id!r} cannot be created"):
            client.create_network(job_id, labels={HOST_LABEL: job_id})
        held.raise_any()
        for name in reversed(names):  # the job begins with its leader
            config = build_input_config(hyperparameters, inputs, names, name)
            description = build_host(request, job_id, name, count)
            start_container(client, name_container(job_id, name), description, config, sent, checkpoints)
    except BaseException:
        with uninterrupted():
            remove_hosts(client, job_id)
        raise


def build_host(request: Mapping[str, Any], job_id: str, name: str, count: int) -> dict[str, Any]:
    """Builds the description of one host's container from that of a job on one host."""
    is_leader = name == name_hosts(count)[0]
    labels = {key: value for key, value in request["Labels"].items() if is_leader or key != JOB_LABEL}
    own = {COUNT_LABEL: str(count)} if is_leader else {HOST_LABEL: job_id}
    return {
        **request,
        "Hostname": name,
        "Labels": {**labels, **own},
        "HostConfig": {**request["HostConfig"], "NetworkMode": job_id},
        "NetworkingConfig": {"EndpointsConfig": {job_id: {"Aliases": [name]}}},
    }


def name_container(job_id: str, host: str) -> str:
    """Names the container of a host; that of the leader is called like the job."""
    return job_id if host == name_hosts(1)[0] else f"{job_id}-{host}"


def note_hosts(folder: JobFolder, count: int) -> None:
    """Notes in a job's folder if it has several hosts, so that all are removed."""
    if count == 1:
        return
    folder.write_json(_NAME, {"count": count})


def has_several(folder: JobFolder) -> bool:
    """Returns whether a job has several hosts."""
    return folder.read_json(_NAME) is not None


def name_leader(state: JobState) -> JobState:
    """Says that it is the leader that has failed, unless it has said itself which host has."""
    if state.status is not JobStatus.FAILED or (state.reason or "").startswith("host "):
        return state
    return replace(state, reason=f"host {name_hosts(1)[0]}: {state.reason}")


def remove_job(client: DockerClient, folder: JobFolder) -> None:
    """Removes a job's containers, and the network if it has one; a warning says what could not be removed."""
    remove_container(client, folder.job_id)
    if has_several(folder):
        remove_hosts(client, folder.job_id)


def remove_hosts(client: DockerClient, job_id: str) -> None:
    """Removes the further hosts of a job, and their network; a warning says what could not be removed."""
    try:
        with engine_errors(ContainerError, f"the hosts of job {job_id!r} cannot be removed"):
            for each in client.containers(all=True, filters={"label": f"{HOST_LABEL}={job_id}"}):
                remove_container(client, each["Id"])
            client.remove_network(job_id)
    except ObjectMissingError:
        return
    except ContainerError as error:
        Logger.warning(
            f"{error}; remove them with `docker rm --force --volumes $(docker ps --all --quiet --filter "
            f"label={HOST_LABEL}={job_id})` and `docker network rm {job_id}`"
        )
