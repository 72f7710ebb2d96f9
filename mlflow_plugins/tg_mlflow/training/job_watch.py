"""Records a job's output and results until its end, for its launcher and for a process that takes over."""

import logging
from pathlib import Path

from mlflow.entities import RunStatus

from tg.common.delivery.sagemaker import Listener, check_completed, write_to_stdout
from tg_mlflow.errors import RecordingError, TrackingError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.results.artifacts import log_result
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_notes import note_facts, note_not_uploaded, note_waiting, set_status

_logger = logging.getLogger("mlflow.tg_mlflow")


def watch_job(
    client: TrackingClient,
    job: Job,
    recorder: RunRecorder,
    show: Listener = write_to_stdout,
) -> None:
    """Shows and records a job's output from where the recorder stands to its end.

    Args:
        client: The tracking server's.
        job: The job.
        recorder: Takes the output; what it has taken of this job before is skipped.
        show: Shows the output.

    Raises:
        JobFailedError: If the job has not completed.
        JobUnreachableError: If the job goes on, but cannot be followed any more.
        RecordingError: If the tracking server stays away.
    """
    run_id, executor, job_id = job.run_id, job.executor, job.job_id
    is_waiting = note_waiting(client, job)
    note_facts(client, job)
    for event in job.logs(recorder.job_position):
        show(recorder.take(event))
        if is_waiting and event.has_metrics:  # the training's own word, not the place's
            is_waiting = not set_status(client, run_id, RunStatus.RUNNING)
    note_facts(client, job)
    check_completed(job_id, executor.status(job_id), recorder.tail)


def record_result(client: TrackingClient, job: Job, dataset: Path | None, log: LogConfig) -> bool:
    """Logs what a job has made.

    A training that has succeeded does not fail because its results cannot be uploaded: ``tg.not_uploaded`` says so.

    Args:
        client: The tracking server's.
        job: The job, which has completed.
        dataset: What was trained on, where it is here.
        log: What to log besides the archive.

    Returns:
        Whether the results have been logged; otherwise what the job has made is still needed.

    Raises:
        ResultArchiveError: If they are not complete.
        RecordingError: If the tracking server stays away.
    """
    run_id = job.run_id
    try:
        refused = log_result(client, run_id, job.executor, job.job_id, dataset, log)
    except TrackingError as error:
        raise RecordingError(
            f"the tracking server did not take the results of run {run_id} ({error}); they are kept: when the "
            f"server is back, run `tg-mlflow attach {run_id}`"
        ) from error
    if refused:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        note_not_uploaded(client, run_id, client.mask.mask(reasons))
    return not refused
