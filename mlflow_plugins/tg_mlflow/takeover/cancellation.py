"""Stops what belongs to a run: through the process that records it, or its job alone where nobody records it."""

import logging
import time

from mlflow.entities import Run

from tg.common.delivery.sagemaker import JobStatus
from tg.common.errors import JobMissingError
from tg_mlflow.takeover.deleted_run import read_any_run, remove_job
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.takeover.rest import cancel_job
from tg_mlflow.takeover.run_job import check_is_ours, find_job
from tg_mlflow.takeover.status import mask_run_secrets
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import Launcher, find_launcher, keeps_jobs_here, read_settled_run
from tg_mlflow.tracking.search import is_deleted, is_running
from tg_mlflow.tracking.stop_reasons import describe_cancel, write_stop_reason
from tg_mlflow.tracking.tags import JOB_ID_TAG, SWEEP_NAME_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

_LOOK_SECONDS = 0.5


def cancel(client: TrackingClient, run_id: str) -> None:
    """Stops a run's job and ends the run as KILLED, also one that has no job yet; does nothing to a run that has ended.

    The process that records the run, if it is on this machine, does so itself, and is waited for. The job of a deleted
    run is removed, too.

    Raises:
        RunNotOursError: If the run is not one of ours, or its job is not here.
        DeliveryError: If the job cannot be stopped from here.
    """
    run = read_any_run(client, run_id)
    if is_deleted(run):
        remove_job(client, run)
        return
    run, launcher = read_settled_run(client, run_id)
    check_is_ours(run)
    if not is_running(run):
        _logger.info("Run %s has ended before: %s", run_id, run.info.status)
        return
    write_stop_reason(client, run_id, describe_cancel(), is_last=False)
    if launcher is not None:
        _stop(client, run, launcher)
        run = wait_for_launcher(client, run_id, launcher)
    if is_running(run) and (left := find_left_job(client, run, keeps_jobs_here(run.data.tags))) is not None:
        cancel_job(mask_run_secrets(client, run).with_patience(), left)
    _logger.info("Run %s is %s", run_id, client.get_run(run_id).info.status)


def wait_for_launcher(client: TrackingClient, run_id: str, launcher: Launcher) -> Run:
    """Waits until the process that records a run, and has been told to stop, has ended the run or is gone.

    Returns:
        The run, as it is then.
    """
    _logger.info("Waiting for process %d, which records the run, to end it", launcher.pid)
    while True:
        run, present = read_settled_run(client, run_id)
        if not is_running(run) or present != launcher:
            return run
        time.sleep(_LOOK_SECONDS)


def _stop(client: TrackingClient, run: Run, launcher: Launcher) -> None:
    """Interrupts a launcher; stops only the job, once there is one, if it has more to do or cannot be interrupted."""
    if launcher.signal_number is not None and SWEEP_NAME_TAG not in run.data.tags:
        launcher.interrupt()
        return
    if _stop_job(run):
        return
    _logger.info("Run %s has no job yet, which is stopped when it has begun", run.info.run_id)
    while not _stop_job(run):
        time.sleep(_LOOK_SECONDS)
        run = client.get_run(run.info.run_id)
        if not is_running(run) or find_launcher(client, run) != launcher:
            return


def _stop_job(run: Run) -> bool:
    """Stops a job that a process records; returns whether there was one."""
    if JOB_ID_TAG not in run.data.tags:
        return False
    found = find_job(run)
    executor, job_id = found.executor, found.job_id
    try:
        state = executor.status(job_id)
        is_begun = executor.traits.starts_at_once or state.exit_code is not None
        if not is_begun and state.status in (JobStatus.QUEUED, JobStatus.FAILED):
            return False  # it is being started; where that takes long, it looks as if it had failed
        executor.cancel(job_id)
    except JobMissingError:
        return False  # there is none yet, or it has been cleared away
    return True
