"""Finds what is left of a training whose launcher is gone: a job that goes on, or only traces of one."""

import time

from mlflow.entities import Run, RunStatus

from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker import Executor, JobStatus
from tg.common.errors import JobMissingError, StorageError
from tg_mlflow.description.writing import end_described
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.run_job import RunJob, find_job, find_run_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import is_complete, is_running
from tg_mlflow.tracking.state import mask_parts, read_state
from tg_mlflow.tracking.stop_reasons import write_stop_reason
from tg_mlflow.tracking.tags import JOB_ID_TAG, PLACE_TAG

# So long a job may take to begin after its launcher has died in the middle of its start.
_START_SECONDS = 5
_LOOK_SECONDS = 0.1
# Why a run is KILLED whose launcher is gone and which has no job.
NEVER_STARTED = "its launcher had ended before it started a job"


def find_left_job(client: TrackingClient, run: Run, is_here: bool, executor: Executor | None = None) -> RunJob | None:
    """Finds the job of a run that is not complete. A run whose job was never started is KILLED.

    What its launcher could not remove any more of a job that nobody needs is removed.

    Args:
        client: The tracking server's.
        run: The run, whose launcher is gone.
        is_here: Whether that kept its jobs where they are looked for here.
        executor: The executor that reaches such jobs now; by default a new one. A job that it does not find is also
            looked for where the run's own tags say that it is.

    Returns:
        ``None`` if nothing more is to be recorded in this run.

    Raises:
        RunNotOursError: If the job may be on another machine.
        DeliveryError: If it cannot be found out whether there is a job.
    """
    has_job = JOB_ID_TAG in run.data.tags
    if is_complete(run):
        if has_job:
            _clear_away(find_job(run, executor))
        return None
    if has_job:
        looked = [find_job(run, executor)]
        if executor is not None and _has_other_options(client, run, executor):
            looked.append(find_job(run))
        problem = None
        for found in looked:
            try:
                if has_begun(found):
                    return found
                problem = None
            except (JobUnreachableError, StorageError):
                return found
            except JobMissingError as error:
                problem = None if is_here or found.executor.traits.is_found_anywhere else error
        if problem is not None:
            raise RunNotOursError(
                f"the job of run {run.info.run_id} is not on this machine: {problem}; cancel it where it was "
                "started, or resume its sweep there"
            ) from problem
        for found in looked:
            found.discard()
    if is_running(run):
        write_stop_reason(client, run.info.run_id, NEVER_STARTED)
        end_described(client, run.info.run_id, RunStatus.to_string(RunStatus.KILLED))
    return None


def _has_other_options(client: TrackingClient, run: Run, executor: Executor) -> bool:
    """Whether a run's job was started with other options of its place, as far as its state says: it has no secrets."""
    place = find_run_place(run.info.run_id, run.data.tags[PLACE_TAG])
    given = mask_parts(place.write_options(executor.options), client.mask)
    return place.read_options(given) != place.read_options(read_state(run).place_options)


def has_begun(found: RunJob) -> bool:
    """Whether a job is more than the folder or the container that its launcher had made for it when it died.

    Raises:
        JobMissingError: If there is nothing of it.
    """
    executor, job_id = found.executor, found.job_id
    state, give_up = executor.status(job_id), time.monotonic() + _START_SECONDS
    if executor.traits.starts_at_once:
        return True
    while state.status is JobStatus.QUEUED and time.monotonic() < give_up:
        time.sleep(_LOOK_SECONDS)
        state = executor.status(job_id)
    is_lost = state.status is JobStatus.QUEUED or (state.status is JobStatus.FAILED and state.exit_code is None)
    try:
        return not is_lost or any(executor.logs(job_id, follow=False))
    except JobMissingError:
        return False  # its container is gone


def _clear_away(found: RunJob) -> None:
    """Removes what a launcher could not remove any more of a job that nobody needs."""
    if not found.executor.traits.keeps_results:
        try:
            if found.status is JobStatus.RUNNING:
                return  # a folder whose removal was cut short may look like one that has just begun
        except DeliveryError:
            return  # nothing of it is left, or its place does not answer
    found.discard()
