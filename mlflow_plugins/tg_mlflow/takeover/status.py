"""Describes the status of a training's run and shows its log, even after its job was removed."""

import json
import os

from mlflow.entities import Run

from tg.common import DeliveryError, JobUnreachableError, TgError
from tg.common.delivery.sagemaker import Listener, LogEvent
from tg.common.secrets import SecretMask
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import RunNotOursError, TrackingError
from tg_mlflow.recording.log_artifact import LOG_ARTIFACT
from tg_mlflow.takeover.run_job import check_is_ours, find_job
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import find_launcher, read_other_host
from tg_mlflow.tracking.search import download_quietly, is_running
from tg_mlflow.tracking.tags import FAILURE_REASON_TAG, JOB_ID_TAG, SECRETS_TAG

_CHUNK_BYTES = 1 << 16


def describe_status(client: TrackingClient, run: Run) -> str:
    """Writes the status of a run, of its job, and who records it, a line each.

    Raises:
        RunNotOursError: If it is not one of ours.
        JobUnreachableError: If its job cannot be asked now.
    """
    check_is_ours(run)
    run_id, tags = run.info.run_id, run.data.tags
    reason = tags.get(FAILURE_REASON_TAG)
    lines = [f"run {run_id} {run.info.status}{f': {reason}' if reason else ''}"]
    if JOB_ID_TAG in tags:
        lines.append(_describe_job(run))
    if is_running(run):
        lines.append(_describe_launcher(client, run))
    return _mask(run, "\n".join(lines))


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
        for event in found.executor.logs(found.job_id, follow=follow):
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
        RunNotOursError: If the tag with their names is damaged.
    """
    text = run.data.tags.get(SECRETS_TAG, "[]")
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RunNotOursError(
            f"the tag {SECRETS_TAG} of run {run.info.run_id!r} is damaged: {text!r}; give a list of names of variables"
        )
    return SecretMask.of_variables(os.environ, listed=names)


def _mask(run: Run, text: str) -> str:
    """Masks what a run's tags and its place say; of secrets' names in a damaged tag, none is known."""
    try:
        return find_run_secrets(run).mask(text)
    except RunNotOursError:
        return SecretMask.of_variables(os.environ).mask(text)


def _describe_job(run: Run) -> str:
    job_id = run.data.tags[JOB_ID_TAG]
    try:
        found = find_job(run)
        state = found.executor.status(job_id)
    except JobUnreachableError:
        raise
    except (DeliveryError, RunNotOursError) as error:
        return f"job {job_id} cannot be seen: {error}" if is_running(run) else f"job {job_id} is not kept any more"
    return f"job {job_id} {state.status.value}{f': {state.reason}' if state.reason else ''}"


def _describe_launcher(client: TrackingClient, run: Run) -> str:
    if (launcher := find_launcher(client, run)) is not None:
        return f"process {launcher.pid} records it"
    if (host := read_other_host(run.data.tags)) is not None:
        return f"its last launcher was on {host}"
    return f"no process of this machine records it; `tg-mlflow attach {run.info.run_id}` does"


def _show_recorded(client: TrackingClient, run: Run, reason: TgError, show: Listener) -> None:
    with temporary_folder() as folder:
        try:
            path = download_quietly(client, run.info.run_id, LOG_ARTIFACT, folder)
        except TrackingError as error:
            raise RunNotOursError(f"run {run.info.run_id!r} has no log yet, and of its job: {reason}") from error
        with path.open("rb") as log:
            while data := log.read(_CHUNK_BYTES):
                show(LogEvent(data, 0))
