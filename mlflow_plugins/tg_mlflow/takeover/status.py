"""Describes the status of a training's run and shows its log, even after its job was removed."""

import copy
import os
from contextlib import nullcontext

from mlflow.entities import Run

from tg.common import DeliveryError, JobUnreachableError, TgError
from tg.common.delivery.sagemaker import Listener, LogEvent
from tg.common.delivery.sagemaker.contract.shown_log import without_record_lines
from tg.common.delivery.sagemaker.executor import JobState
from tg.common.delivery.sagemaker.executor.job_patience import asking_once
from tg.common.errors import JobMissingError
from tg.common.secrets import SecretMask
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import RunNotOursError, TrackingError
from tg_mlflow.recording.log_artifact import LOG_ARTIFACT
from tg_mlflow.takeover.run_job import check_is_ours, find_job
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import Launcher, find_launcher, keeps_jobs_here, read_other_host
from tg_mlflow.tracking.search import download_quietly, is_running
from tg_mlflow.tracking.state import read_state
from tg_mlflow.tracking.tags import FAILURE_REASON_TAG, JOB_ID_TAG, WAITING_TAG

_CHUNK_BYTES = 1 << 16


def describe_status(client: TrackingClient, run: Run) -> str:
    """Writes the status of a run, what it waits for, its job, and who records it, a line each.

    A job that does not answer soon keeps nothing else from being said.

    Raises:
        RunNotOursError: If it is not one of ours.
    """
    check_is_ours(run)
    return _mask(run, "\n".join(_describe_lines(client, run)))


def _describe_lines(client: TrackingClient, run: Run) -> list[str]:
    run_id, tags = run.info.run_id, run.data.tags
    reason = tags.get(FAILURE_REASON_TAG)
    lines = [f"run {run_id} {run.info.status}{f': {reason}' if reason else ''}"]
    if not is_running(run):
        return [*lines, *([_describe_job(run)] if JOB_ID_TAG in tags else [])]
    launcher = find_launcher(client, run)
    lines += describe_wait(run, launcher)
    state = _look(run) if JOB_ID_TAG in tags else JobMissingError("it has no job")
    is_unstarted = isinstance(state, JobMissingError)
    if JOB_ID_TAG in tags:
        job = f"job {tags[JOB_ID_TAG]}"
        lines.append(f"{job} is not started yet" if is_unstarted and launcher else f"{job} {_describe(state)}")
    return [*lines, _describe_launcher(run, launcher, is_unstarted)]


def describe_wait(run: Run, launcher: Launcher | None) -> list[str]:
    """Describes what the launcher of a run waits for, in a line; in none if it waits for nothing, or is gone."""
    is_there = launcher is not None or read_other_host(run.data.tags) is not None
    return [f"waiting: {run.data.tags[WAITING_TAG]}"] if is_there and WAITING_TAG in run.data.tags else []


def show_log(client: TrackingClient, run: Run, follow: bool, show: Listener) -> None:
    """Shows the output of a run's job without secrets; once the job is removed, the log that the run keeps.

    Args:
        client: The tracking server's.
        run: The run.
        follow: Whether to go on until the job has ended.
        show: Shows a piece of it.

    Raises:
        RunNotOursError: If the run is not one of ours, or has nothing of it.
        JobUnreachableError: If the job cannot be asked now.
    """
    check_is_ours(run)
    masked, has_begun = find_run_secrets(run).stream(), False
    try:
        found = find_job(run)
        with nullcontext() if follow else asking_once():
            for event in without_record_lines(found.executor.logs(found.job_id, follow=follow)):
                has_begun = True
                show(LogEvent(masked.feed(event.data), event.time_ms))
        show(LogEvent(masked.finish(), 0))
    except JobUnreachableError:
        raise
    except (DeliveryError, RunNotOursError) as error:
        if has_begun:
            raise  # it was removed while it was shown
        _show_recorded(client, run, error, show)


def find_run_secrets(run: Run) -> SecretMask:
    """Knows the secrets of a training that was started elsewhere, as far as they are set here, too.

    Raises:
        RunNotOursError: If the run's state, which has their names, is damaged.
    """
    return SecretMask.of_variables(os.environ, listed=read_state(run).secrets)


def mask_run_secrets(client: TrackingClient, run: Run) -> TrackingClient:
    """Returns the same client, which masks what :func:`find_run_secrets` knows.

    Raises:
        RunNotOursError: If the run's state, which has their names, is damaged.
    """
    masking = copy.copy(client)
    masking.mask = find_run_secrets(run)
    return masking


def _mask(run: Run, text: str) -> str:
    """Masks what a run's tags and its place say; of secrets' names in a damaged state, none is known."""
    try:
        return find_run_secrets(run).mask(text)
    except RunNotOursError:
        return SecretMask.of_variables(os.environ).mask(text)


def _describe_job(run: Run) -> str:
    state, job_id = _look(run), run.data.tags[JOB_ID_TAG]
    return f"job {job_id} {'is not kept any more' if isinstance(state, JobMissingError) else _describe(state)}"


def _describe(state: JobState | TgError) -> str:
    if not isinstance(state, JobState):
        return f"cannot be seen: {state}"
    return f"{state.status.value}{f': {state.reason}' if state.reason else ''}"


def _look(run: Run) -> JobState | TgError:
    """Looks at a run's job; what does not answer is not waited for."""
    try:
        with asking_once():
            found = find_job(run)
            return found.executor.status(found.job_id)
    except (DeliveryError, RunNotOursError) as error:
        return error


def _describe_launcher(run: Run, launcher: Launcher | None, is_unstarted: bool) -> str:
    run_id = run.info.run_id
    if launcher is not None:
        return f"process {launcher.pid} records it"
    if (host := read_other_host(run.data.tags)) is not None:
        return f"its last launcher was on {host}, where `tg-mlflow status {run_id}` says whether it lives"
    if is_unstarted and (JOB_ID_TAG not in run.data.tags or keeps_jobs_here(run.data.tags)):
        return f"the process that was to start its job is gone; `tg-mlflow cancel {run_id}` ends it"
    return f"no process of this machine records it; `tg-mlflow attach {run_id}` does"


def _show_recorded(client: TrackingClient, run: Run, reason: TgError, show: Listener) -> None:
    with temporary_folder() as folder:
        try:
            path = download_quietly(client, run.info.run_id, LOG_ARTIFACT, folder)
        except TrackingError as error:
            raise RunNotOursError(f"run {run.info.run_id!r} has no log yet, and of its job: {reason}") from error
        with path.open("rb") as log:
            while data := log.read(_CHUNK_BYTES):
                show(LogEvent(data, 0))
