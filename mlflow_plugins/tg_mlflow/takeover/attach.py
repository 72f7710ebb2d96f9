"""Takes over a run whose launcher is gone: records what is missing and ends it."""

import logging

from mlflow.entities import Run, RunStatus

from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker import JobStatus
from tg.common.errors import JobMissingError, StorageError
from tg_mlflow.description.writing import write_description
from tg_mlflow.errors import RecordingError, RunEndedError, RunNotOursError
from tg_mlflow.registration.registration import settle_registration
from tg_mlflow.takeover.left_job import has_begun
from tg_mlflow.takeover.rest import record_rest
from tg_mlflow.takeover.run_job import RunJob, find_job
from tg_mlflow.takeover.status import mask_run_secrets
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import Launcher, keeps_jobs_here, read_settled_run
from tg_mlflow.tracking.search import is_complete
from tg_mlflow.tracking.tags import FAILURE_REASON_TAG, MISSING_LOG_TAG, REGISTER_TAG
from tg_mlflow.training.summary import describe_run

_logger = logging.getLogger("mlflow.tg_mlflow")

_FINISHED = RunStatus.to_string(RunStatus.FINISHED)


def attach(client: TrackingClient, run_id: str) -> None:
    """Records a job's output from its beginning, waits for its end, logs its results and ends the run.

    Nothing is doubled, since MLflow keeps one of several identical points. A run that is complete is left as it is. One
    that has FAILED only as its log was not whole is tried again if its job is still there. An interrupt ends the
    waiting, not the job.

    Raises:
        RunNotOursError: If the run has no job that can be found here, or another process records it.
        JobFailedError: If the job has failed or was stopped; the run says so then, too.
        RecordingError: If the tracking server or its artifact store does not take it.
    """
    run, launcher = read_settled_run(client, run_id)
    found = find_job(run)
    if is_complete(run):
        if REGISTER_TAG in run.data.tags and run.info.status == _FINISHED:
            settle_registration(mask_run_secrets(client, run), run_id)  # which says what it has done
            write_description(client, run_id)
        else:
            _logger.info("%s", _describe_complete(run))
        return
    check_is_left(run, launcher)
    _check_is_here(found)
    try:
        is_recorded = record_rest(mask_run_secrets(client, found.run).with_patience(), found)
    except RunEndedError as error:
        if client.get_run(run_id).info.status != _FINISHED:
            raise
        _logger.info("Run %s is complete: %s", run_id, error)
        return
    if not is_recorded:
        raise RecordingError(f"the results of run {run_id} are still not uploaded; they are kept")
    _logger.info("%s", describe_run(client, run_id))


def _describe_complete(run: Run) -> str:
    run_id, status, tags = run.info.run_id, run.info.status, run.data.tags
    if status == _FINISHED:
        return f"Run {run_id} is {status} and complete: there is nothing to do"
    reason = f" ({tags[FAILURE_REASON_TAG]})" if FAILURE_REASON_TAG in tags else ""
    return f"Run {run_id} is {status}{reason}, and recorded to its end: there is nothing to do"


def check_is_left(run: Run, launcher: Launcher | None) -> None:
    """Checks that no process of this machine records a run.

    Raises:
        RunNotOursError: If one does.
    """
    if launcher is not None:
        raise RunNotOursError(
            f"run {run.info.run_id!r} is recorded by process {launcher.pid} now; wait for it, or stop it with "
            f"`tg-mlflow cancel {run.info.run_id}`"
        )


def _check_is_here(found: RunJob) -> None:
    run_id, executor = found.run_id, found.executor
    try:
        is_waiting = executor.status(found.job_id).status is JobStatus.QUEUED and not executor.traits.starts_at_once
        if not is_waiting or has_begun(found):
            return
    except (JobUnreachableError, StorageError):
        raise  # it is there
    except DeliveryError as error:
        if isinstance(error, JobMissingError) and (missing := found.run.data.tags.get(MISSING_LOG_TAG)) is not None:
            raise RunNotOursError(
                f"the log of run {run_id} stays as it is, as its job is not kept any more: {missing}; its results are "
                "in the run"
            ) from error
        if not (isinstance(error, JobMissingError) and keeps_jobs_here(found.run.data.tags)):
            raise RunNotOursError(
                f"the job of run {run_id} is not on this machine, or was never started: {error}"
            ) from error
    raise RunNotOursError(
        f"the job of run {run_id} was never started, as its launcher had ended before; to end the run, "
        f"use `tg-mlflow cancel {run_id}`"
    )
