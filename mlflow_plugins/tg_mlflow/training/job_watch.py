"""Records a job's output and results until its end, for its launcher and for a process that takes over."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.entities import RunStatus

from tg.common import DeliveryError, JobFailedError, JobUnreachableError, ResultArchiveError, TgError
from tg.common.delivery.sagemaker import JobStatus, Listener, LogEvent, check_completed
from tg.common.errors import JobMissingError, StorageError
from tg.common.system.disk_errors import describe_full_folder, is_of_the_disk
from tg_mlflow.errors import LogMissingError, RecordingError, TrackingError, describe_failure
from tg_mlflow.places.config import LogConfig
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.results.artifacts import log_remains, log_result
from tg_mlflow.results.job_remains import JobRemains
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.tags import MISSING_LOG_TAG
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_notes import note_exit, note_facts, note_not_uploaded, note_waiting, set_status

_logger = logging.getLogger("mlflow.tg_mlflow")


def watch_job(
    client: TrackingClient,
    job: Job,
    recorder: RunRecorder,
    show: Listener,
    is_scheduled: bool = False,
) -> str | None:
    """Shows and records a job's output from where the recorder stands to its end.

    Args:
        client: The tracking server's.
        job: The job.
        recorder: Takes the output; what it has taken of this job before is skipped.
        show: Shows the output.
        is_scheduled: Whether the run is SCHEDULED.

    Returns:
        What is missing of the output of a job that has completed; ``None`` if it is whole.

    Raises:
        JobFailedError: If the job has not completed.
        JobUnreachableError: If the job goes on, but cannot be followed any more.
        RecordingError: If the tracking server stays away.
        ResultArchiveError: If the job has completed, and its results are lost.
    """
    run_id, executor, job_id = job.run_id, job.executor, job.job_id
    with _sparing(job):
        is_waiting = note_waiting(client, job, is_scheduled)
        note_facts(client, job)
    state, position = None, -1
    # A container that is started again seems to have ended for a moment.
    while state is None or not (state.status.is_final or recorder.job_position == position):
        position = recorder.job_position
        for event, masked in _take_all(job, recorder):
            show(masked)
            if is_waiting and event.has_metrics:  # the training's own word, not the place's
                is_waiting = not set_status(client, run_id, RunStatus.RUNNING)
        with _sparing(job):
            state = executor.status(job_id)
    with _sparing(job):
        note_facts(client, job, recorder.lost_seconds)
    note_exit(client, run_id, state)
    if state.status is not JobStatus.COMPLETED:
        remains = _log_remains(client, job, recorder)
        recorder.note_incomplete(remains is not None, remains is not None and remains.is_whole)
    check_completed(job_id, state, recorder.tail)
    missing = _find_missing_log(job, recorder)
    if missing is not None and executor.traits.repeats_logs:  # it is fetched again
        for _, masked in _take_all(job, recorder):
            show(masked)
        missing = _find_missing_log(job, recorder)
    recorder.settle()  # artifacts belong to runs that have to be there
    return missing


def _log_remains(client: TrackingClient, job: Job, recorder: RunRecorder) -> JobRemains | None:
    """Logs what a job has made until it failed or was stopped; returns that if it is all in the run."""
    try:
        folder = job.executor.find_remains(job.job_id)
        if folder is None:
            return None
        recorder.settle()  # artifacts belong to runs that have to be there
        remains = JobRemains(folder)
        return remains if log_remains(client, job.run_id, remains) else None
    except (TgError, OSError) as error:  # the job's failure says more
        _logger.warning("What job %s has made until its end is not in the run: %s", job.job_id, describe_failure(error))
        return None


def _find_missing_log(job: Job, recorder: RunRecorder) -> str | None:
    with _sparing(job):
        return job.executor.find_missing_log(job.job_id, recorder.job_position)


def _take_all(job: Job, recorder: RunRecorder) -> Iterator[tuple[LogEvent, LogEvent]]:
    """Records a job's output; yields each event, and what may be shown of it."""
    events = job.logs(recorder.job_position)
    while True:
        with _sparing(job):
            event = next(events, None)
            if event is None:
                return
            masked = recorder.take(event)
        yield event, masked


@contextmanager
def storing(job: Job) -> Iterator[None]:
    """Says in one line that this machine's disk does not take what a job needs to be started.

    Raises:
        StorageError: For each error of the disk inside.
    """
    try:
        yield
    except OSError as error:
        if not is_of_the_disk(error):
            raise
        raise StorageError(
            describe_full_folder(error)
            or f"what job {job.job_id} needs cannot be stored ({describe_failure(error)}); free space, or set "
            "TG_JOBS_PATH or TMPDIR"
        ) from error


@contextmanager
def _sparing(job: Job) -> Iterator[None]:
    """Lets a job go on that cannot be followed: trouble of the launcher's is not the job's failure.

    Raises:
        JobUnreachableError: For each error inside that is not about the job itself.
    """
    try:
        yield
    except (JobFailedError, JobMissingError, JobUnreachableError, ResultArchiveError):
        raise
    except (DeliveryError, OSError) as error:
        raise JobUnreachableError(
            f"{describe_failure(error)}; job {job.job_id} goes on: when that is settled, run "
            f"`tg-mlflow attach {job.run_id}`"
        ) from error


def record_result(
    client: TrackingClient, job: Job, dataset: Path | None, log: LogConfig, missing_log: str | None = None
) -> bool:
    """Logs what a job has made.

    A training that has succeeded does not fail because its results cannot be uploaded: ``tg.not_uploaded`` says so.

    Args:
        client: The tracking server's.
        job: The job, which has completed.
        dataset: What was trained on, where it is here.
        log: What to log besides the archive.
        missing_log: What is missing of its output, as :func:`watch_job` says.

    Returns:
        Whether the results have been logged; otherwise what the job has made is still needed.

    Raises:
        ResultArchiveError: If they are not complete.
        LogMissingError: If all is logged but what is missing.
        RecordingError: If the tracking server stays away, or the results cannot be read now.
    """
    run_id = job.run_id
    try:
        refused = log_result(client, run_id, job.executor, job.job_id, dataset, log)
    except TrackingError as error:
        raise RecordingError(
            f"the tracking server did not take the results of run {run_id} ({error}); they are kept: when the "
            f"server is back, run `tg-mlflow attach {run_id}`"
        ) from error
    except (ResultArchiveError, JobMissingError):
        raise  # they are lost
    except (DeliveryError, OSError) as error:
        raise RecordingError(
            f"the results of run {run_id} cannot be read or stored now ({describe_failure(error)}); they are kept: "
            f"when that is settled, run `tg-mlflow attach {run_id}`"
        ) from error
    if refused:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        note_not_uploaded(client, run_id, client.mask.mask(reasons))
    if missing_log is not None:
        client.set_tag(run_id, MISSING_LOG_TAG, missing_log)
        if not refused:
            raise LogMissingError(
                f"the log of job {job.job_id} is not whole: {missing_log}; its results are in the run"
            )
    if not refused:
        note_event(client, run_id, "results recorded")
    return not refused
