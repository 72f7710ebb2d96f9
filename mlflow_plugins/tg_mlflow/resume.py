"""Takes over a run whose launcher is gone: records what is missing and ends it."""

import json
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext

from mlflow import MlflowClient
from mlflow.entities import RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_BACKEND

from tg.common import DeliveryError, JobFailedError, JobUnreachableError
from tg.common.delivery.sagemaker import JobStatus, Listener, SagemakerExecutor, write_to_stdout
from tg.common.secret_mask import SecretMask
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.job_watch import NOT_UPLOADED_TAG, watch_job
from tg_mlflow.launcher_tag import find_sweep_launcher
from tg_mlflow.left_job import find_left_job, has_begun
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.run_job import RunJob, find_job, find_run_job, read_run
from tg_mlflow.run_lifecycle import ending_run
from tg_mlflow.run_recorder import LOG_CURSOR_TAG, RunRecorder
from tg_mlflow.run_summary import describe_run
from tg_mlflow.run_tags import EARLIER_JOBS_TAG, SECRETS_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

_BACKEND_PREFIX = "tg-"


def attach(client: MlflowClient, run_id: str) -> None:
    """Records a job's output from its beginning, waits for its end, logs its results and ends the run.

    Nothing is doubled, since MLflow keeps one of several identical points. A run that is complete is left as it is.
    Whoever stops waiting leaves the job as it is, too.

    Raises:
        RunNotOursError: If the run has no job that can be found here, or the launcher of its sweep records it.
        JobFailedError: If the job has failed or was stopped; the run says so then, too.
        RecordingError: If the tracking server does not take it.
    """
    found = find_run_job(client, run_id)
    if _is_complete(found):
        _logger.info("Run %s is %s and complete: there is nothing to do", run_id, found.run.info.status)
        return
    if (process := find_sweep_launcher(client, found.run)) is not None:
        raise RunNotOursError(f"run {run_id!r} is recorded by process {process}, which runs its sweep; wait for that")
    _check_is_here(found)
    # What was secret where the job was started is so here, as far as it is set here, too.
    listed = json.loads(found.run.data.tags.get(SECRETS_TAG, "[]"))
    record_rest(MaskingClient(client.tracking_uri, SecretMask.of_variables(os.environ, listed=listed)), found)
    _logger.info("%s", describe_run(client, run_id))


def record_rest(
    client: MaskingClient,
    found: RunJob,
    show: Listener = write_to_stdout,
    following: Callable[[SagemakerExecutor, str], AbstractContextManager[None]] = lambda *_: nullcontext(),
) -> None:
    """Records a job's output from its beginning, waits for its end, logs its results and ends the run.

    Args:
        client: The tracking server's.
        found: The run, and its job, which is there.
        show: Shows the output.
        following: Opens what is needed while the job is waited for.

    Raises:
        JobFailedError: If the job has failed or was stopped; the run says so then, too.
        RecordingError: If the tracking server does not take it.
    """
    run_id, tags, executor = found.run.info.run_id, found.run.data.tags, found.executor
    written = int(tags.get(LOG_CURSOR_TAG, 0)) if executor.repeats_logs else 0
    with ExitStack() as afterwards:
        try:
            recording = RunRecorder(client, run_id, mask=client.mask, written=written)
            with (
                ending_run(client, run_id, kills=False) as ending,
                recording as recorder,
                following(executor, found.job_id),
            ):
                ending.patience_seconds = recorder.patience_seconds
                for earlier in tags.get(EARLIER_JOBS_TAG, "").split():
                    for event in executor.logs(earlier):
                        show(recorder.take(event))
                start = recorder.position
                is_recorded = watch_job(
                    client, run_id, executor, found.job_id, recorder, found.dataset, found.log, start, show
                )
        except JobFailedError:
            afterwards.callback(executor.discard, found.job_id)
            raise
        if is_recorded:
            if NOT_UPLOADED_TAG in tags:
                client.delete_tag(run_id, NOT_UPLOADED_TAG)
            afterwards.callback(executor.discard, found.job_id)


def cancel(client: MlflowClient, run_id: str) -> None:
    """Stops a run's job and ends the run as KILLED, also one that has no job yet; does nothing to a run that has ended.

    The run of a training whose sweep goes on is ended by the sweep's launcher.

    Raises:
        RunNotOursError: If the run is not one of ours, or its job is not here.
        DeliveryError: If the job cannot be stopped from here.
    """
    run = read_run(client, run_id)
    if not run.data.tags.get(MLFLOW_PROJECT_BACKEND, "").startswith(_BACKEND_PREFIX):
        find_job(run)  # which says that it is not ours, unless it has a job all the same
    if RunStatus.is_terminated(RunStatus.from_string(run.info.status)):
        _logger.info("Run %s has ended before: %s", run_id, run.info.status)
    elif (process := find_sweep_launcher(client, run)) is not None:
        found = find_job(run)
        try:
            found.executor.cancel(found.job_id)
        except DeliveryError:
            if found.executor.has_submitted(found.job_id):
                raise
            # It had been stopped, and the launcher has cleared it away meanwhile.
        _logger.info("Job %s is stopped; process %d, which runs its sweep, ends the run", found.job_id, process)
    elif (left := find_left_job(client, run, is_here=False)) is not None:
        cancel_job(client, left)


def cancel_job(client: MlflowClient, found: RunJob) -> None:
    """Stops a job and ends its run as KILLED.

    Raises:
        DeliveryError: If the job cannot be stopped from here.
    """
    found.executor.cancel(found.job_id)
    client.set_terminated(found.run.info.run_id, RunStatus.to_string(RunStatus.KILLED))
    found.executor.discard(found.job_id)


def _is_complete(found: RunJob) -> bool:
    has_ended = RunStatus.is_terminated(RunStatus.from_string(found.run.info.status))
    return has_ended and NOT_UPLOADED_TAG not in found.run.data.tags


def _check_is_here(found: RunJob) -> None:
    run_id, executor = found.run.info.run_id, found.executor
    try:
        is_waiting = executor.status(found.job_id).status is JobStatus.QUEUED and not executor.is_remote
        if not is_waiting or has_begun(found):
            return
    except JobUnreachableError:
        raise  # it is there
    except DeliveryError as error:
        raise RunNotOursError(
            f"the job of run {run_id} is not on this machine, or was never started: {error}"
        ) from error
    raise RunNotOursError(
        f"the job of run {run_id} was never started, as its launcher had ended before; to end the run, "
        f"use `tg-mlflow cancel {run_id}`"
    )
