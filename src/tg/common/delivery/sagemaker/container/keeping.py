"""Keeps what an ended job has written and made, before its container is removed."""

import shutil
from collections.abc import Iterable, Iterator

from ....errors import ContainerError, ResultArchiveError
from ....logger import Logger
from ....ml.training_core.checkpoint_folder import FOLDER_NAME
from ...delivery.image.docker_client import DockerClient, ObjectMissingError, engine_errors
from ..archive.completion import parse_log_size
from ..archive.result_archive import write_result_archive_from_tar
from ..archive.safe_extraction import OWN_LIMITS, extract_tar_stream
from ..contract.log_event import LogEvent
from ..contract.log_size import LogCounter, LogSize
from ..contract.ml_folder import MlFolder
from ..executor.job_state import JobState, JobStatus
from ..job_files.job_folder import JobFolder
from ..job_files.kept_checkpoints import are_kept
from .files import fetch_checkpoints, fetch_completion, fetch_model, fetch_output_data
from .log import container_status, follow_log, save_log
from .state import save_state

_CHECKPOINTS_DONE = "checkpoints_kept"


def keep_job(client: DockerClient, job_id: str, folder: JobFolder, state: JobState) -> None:
    """Copies a job's log and results into its folder; last its state, with what is missing of the log.

    Raises:
        ObjectMissingError: If the container is gone.
        ResultArchiveError: If the results cannot be kept, now or ever.
        ContainerError: If the daemon cannot be reached.
    """
    counter = LogCounter()
    save_log(_counting(follow_log(client, job_id, follow=False), counter), folder)

    def find_missing(marker: bytes | None) -> str | None:
        is_completed = state.status is JobStatus.COMPLETED
        return _find_missing(client, job_id, marker, counter.size) if is_completed else None

    marker = None
    try:
        marker = write_result_archive_from_tar(fetch_model(client, job_id), folder.archive)
    except ObjectMissingError:
        container_status(client, job_id)  # raises if the container is gone, and not only the folder
    except ResultArchiveError:  # what is refused once always will be
        save_state(state, folder, find_missing(fetch_completion(client, job_id)))
        raise
    if state.status is not JobStatus.COMPLETED:  # one that has completed has it in its archive
        _keep_output_data(client, job_id, folder)
    keep_checkpoints(client, job_id, folder, state)
    save_state(state, folder, find_missing(marker))


def keep_checkpoints(client: DockerClient, job_id: str, folder: JobFolder, state: JobState) -> None:
    """Copies the checkpoints of an ended job to where they are kept, once, if they are kept.

    Where a folder of the user's has them, its other files stay.

    Raises:
        ContainerError: If the daemon cannot be reached.
    """
    done = folder.path / _CHECKPOINTS_DONE
    is_needed = state.status is not JobStatus.COMPLETED or are_kept(folder)
    if not state.status.is_final or not is_needed or done.exists():
        return
    target = MlFolder(folder.ml).checkpoints
    arrived = folder.path / "arriving_checkpoints"
    shutil.rmtree(arrived, ignore_errors=True)  # of a copy that was cut short
    try:
        extract_tar_stream(fetch_checkpoints(client, job_id), arrived, target.name, OWN_LIMITS)
        target.mkdir(parents=True, exist_ok=True)  # another machine may have started the job
        if (arrived / FOLDER_NAME).is_dir():
            shutil.rmtree(target / FOLDER_NAME, ignore_errors=True)  # older ones, which the job has removed
        shutil.copytree(arrived, target, dirs_exist_ok=True)
        done.touch()
    except ObjectMissingError:
        return  # another process has collected them, or there is no such folder
    except (ResultArchiveError, OSError, shutil.Error) as error:
        Logger.warning(f"The checkpoints of job {job_id!r} are not kept: {error}")
    finally:
        shutil.rmtree(arrived, ignore_errors=True)


def _keep_output_data(client: DockerClient, job_id: str, folder: JobFolder) -> None:
    """Copies what a job has made besides its model to the place where it is in jobs of child processes."""
    target = MlFolder(folder.ml).output_data
    shutil.rmtree(target, ignore_errors=True)  # of a copy that was cut short
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        extract_tar_stream(fetch_output_data(client, job_id), target, target.name, OWN_LIMITS)
    except ObjectMissingError:
        container_status(client, job_id)  # as above
    except ResultArchiveError as error:
        Logger.warning(f"What job {job_id!r} has made besides its model is not kept: {error}")


def _counting(events: Iterable[LogEvent], counter: LogCounter) -> Iterator[LogEvent]:
    for event in events:
        counter.feed(event.data)
        yield event


def _find_missing(client: DockerClient, job_id: str, marker: bytes | None, here: LogSize) -> str | None:
    """Compares a log with what its job has said of it in its marker; what another program has trained says nothing."""
    try:
        told = parse_log_size(marker or b"{}")
        if told is None:
            return None
        if not told:
            return "its job could not note how long it is"
        missing = LogSize.from_json(told).find_missing(here, is_exact=True)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # the archive is refused for it
    if missing is None:
        return None
    with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be looked at"):
        driver = client.inspect_container(job_id)["HostConfig"]["LogConfig"]["Type"]
    return f"{missing}, as the Docker daemon has kept it with the log driver {driver!r}"
