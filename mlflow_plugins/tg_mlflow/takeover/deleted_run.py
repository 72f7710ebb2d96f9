"""Stops and removes the job of a run that was deleted, and can record nothing any more."""

import logging
import time
from contextlib import suppress

from mlflow.entities import LifecycleStage, Run, RunData, RunInfo, RunTag

from tg.common.delivery.sagemaker.contract.variables import RUN_ID_VARIABLE
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.errors import JobMissingError
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.run_job import check_is_ours, find_job
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import Launcher, find_launcher
from tg_mlflow.tracking.search import find_run, is_deleted
from tg_mlflow.tracking.tags import JOB_ID_TAG
from tg_mlflow.training.kept_run import KeptRun, list_kept_runs

_logger = logging.getLogger("mlflow.tg_mlflow")

_LOOK_SECONDS = 0.2


def read_any_run(client: TrackingClient, run_id: str) -> Run:
    """Reads a run, also a deleted one; of one that was deleted for good, what the folder of its job says of it.

    Raises:
        RunNotOursError: If there is none.
        TrackingError: If the tracking server does not answer.
    """
    if (run := find_run(client, run_id)) is not None:
        return run
    kept = next((each for each in list_kept_runs(client.tracking_uri) if each.run_id == run_id), None)
    if kept is None:
        raise RunNotOursError(
            f"there is no run {run_id!r}, and no job in {jobs_path()} is of such a run; check the id and the tracking "
            "URI; of a run that was removed for good, use the machine that launched it, or stop the job at its place: "
            f"its variable {RUN_ID_VARIABLE} names the run"
        )
    return build_kept_run(kept)


def build_kept_run(kept: KeptRun) -> Run:
    """Builds a run that was deleted for good from what the folder of its job says of it."""
    info = RunInfo(kept.run_id, "", "", "RUNNING", 0, None, LifecycleStage.DELETED)
    return Run(info, RunData(tags=[RunTag(name, value) for name, value in kept.tags.items()]))


def remove_job(client: TrackingClient, run: Run) -> None:
    """Stops the job of a deleted run, through its launcher if that lives here, and removes what is kept of it.

    Raises:
        RunNotOursError: If the run is not one of ours, or its place is not installed.
        DeliveryError: If the job cannot be stopped from here.
    """
    assert is_deleted(run)
    check_is_ours(run)
    launcher = find_launcher(client, run)
    if launcher is not None and launcher.signal_number is not None:
        launcher.interrupt()
        wait_until_gone(client, run, launcher)
    what = "it has no job"
    if JOB_ID_TAG in run.data.tags:
        found = find_job(run)
        with suppress(JobMissingError):
            found.executor.cancel(found.job_id)
        found.discard()
        what = f"job {found.job_id} has ended, and nothing of it is kept"
    _logger.info("Run %s is deleted; %s", run.info.run_id, what)


def wait_until_gone(client: TrackingClient, run: Run, launcher: Launcher) -> None:
    """Waits until the process that records a deleted run, and has been told to stop, records it no more."""
    _logger.info("Waiting for process %d, which records the run, to end", launcher.pid)
    while find_launcher(client, run) == launcher:
        time.sleep(_LOOK_SECONDS)
