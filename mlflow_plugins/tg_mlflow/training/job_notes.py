"""Notes in a run what is known of its job besides the output, such as its console page and its cost."""

import logging
import signal
import time

from mlflow.entities import Metric, RunStatus, RunTag

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import JobStatus
from tg.common.delivery.sagemaker.executor import JobState
from tg.common.errors import JobUnreachableError
from tg_mlflow.errors import TrackingError, describe_failure
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.tags import EXIT_CODE_TAG, LOST_BILLABLE_METRIC, NOT_UPLOADED_TAG, OWN_PREFIX, SIGNAL_TAG
from tg_mlflow.training.job import Job

_logger = logging.getLogger("mlflow.tg_mlflow")

# Added to a signal's number, the exit code of what it has ended.
_FIRST_SIGNAL = 128


def note_waiting(client: TrackingClient, job: Job, is_scheduled: bool = False) -> bool:
    """Makes the run SCHEDULED while its job waits for machines, and RUNNING afterwards; in many places none waits.

    Args:
        client: The tracking server's.
        job: The job.
        is_scheduled: Whether the run is SCHEDULED.

    Returns:
        Whether the run is SCHEDULED now.
    """
    is_waiting, reason = False, None
    if job.executor.traits.may_queue:
        state = job.executor.status(job.job_id)
        if state.status.is_final:
            return False
        is_waiting, reason = state.status is JobStatus.QUEUED, state.reason
    if is_waiting != is_scheduled:
        status = RunStatus.SCHEDULED if is_waiting else RunStatus.RUNNING
        return set_status(client, job.run_id, status, reason or "") and is_waiting
    return is_waiting


def set_status(client: TrackingClient, run_id: str, status: int, cause: str = "") -> bool:
    """Changes the status of a run that has not ended; a server that is away is no reason to stop.

    Args:
        client: The tracking server's, which is asked once.
        run_id: The run.
        status: The new status.
        cause: Why it changes.

    Returns:
        Whether the server has taken it.
    """
    word = str(RunStatus.to_string(status))
    try:
        client.without_patience().update_run(run_id, word)
    except TrackingError as error:
        _logger.warning("The tracking server does not take that run %s is %s: %s", run_id, word, error)
        return False
    note_event(client, run_id, "queued" if status == RunStatus.SCHEDULED else "running", cause)
    return True


def note_exit(client: TrackingClient, run_id: str, state: JobState) -> None:
    """Notes the exit code with which a job has ended, and the signal that has ended it; never fails the run.

    Args:
        client: The tracking server's. If it does not take them, ``tg.missing`` says so.
        run_id: The run.
        state: The job's state. Without an exit code, nothing is noted.
    """
    if state.exit_code is None:
        return
    code = state.exit_code if state.exit_code >= 0 else _FIRST_SIGNAL - state.exit_code
    tags = [RunTag(EXIT_CODE_TAG, str(code))]
    if code - _FIRST_SIGNAL in set(signal.Signals):
        tags.append(RunTag(SIGNAL_TAG, signal.Signals(code - _FIRST_SIGNAL).name))
    try:
        client.log_batch(run_id, tags=tags)
    except TrackingError as error:
        _logger.warning("The run cannot be told that its job has ended with exit code %d: %s", code, error)
        note_missing(client, run_id, [each.key for each in tags])


def note_facts(client: TrackingClient, job: Job, lost_seconds: float = 0) -> None:
    """Records what is known of a job, with names that begin with ``tg.``; never fails the run.

    Metrics are only recorded when the job has ended, since they change until then.

    Args:
        client: The tracking server's, which is asked once.
        job: The job.
        lost_seconds: How much of its time on machines its interruptions have cost.
    """
    run_id, executor, job_id = job.run_id, job.executor, job.job_id
    try:
        facts = executor.facts(job_id)
        if not facts.tags and not facts.metrics:
            return
        state = executor.status(job_id)
    except JobUnreachableError:
        raise  # its log cannot be read either
    except DeliveryError as error:
        _logger.warning("Nothing can be said of job %s: %s", job_id, describe_failure(error))
        return
    client = client.without_patience()
    try:
        for name, value in facts.tags.items():
            client.set_tag(run_id, f"{OWN_PREFIX}{name}", value)
        if state.status.is_final:
            now, known = time.time_ns() // 1_000_000, client.get_run(run_id).data.metrics
            metrics = {f"{OWN_PREFIX}{name}": value for name, value in facts.metrics.items()}
            if lost_seconds and facts.metrics.get("training_seconds"):
                share = min(1, lost_seconds / facts.metrics["training_seconds"])
                metrics[LOST_BILLABLE_METRIC] = share * facts.metrics.get("billable_seconds", 0)
            new = [Metric(name, value, now, 0) for name, value in metrics.items() if known.get(name) != value]
            if new:
                client.log_batch(run_id, metrics=new)
    except TrackingError as error:
        _logger.warning("The tracking server does not take what is known of job %s: %s", job_id, error)


def note_log(client: TrackingClient, run_id: str, failure: str | None) -> bool:
    """Notes, as :func:`note_not_uploaded` does, that the log of a successful training is not in its run.

    Args:
        client: The tracking server's.
        run_id: The run.
        failure: Why, as the recorder says; ``None`` if the log is there.

    Returns:
        Whether the job is needed for its log.
    """
    if failure is not None:
        note_not_uploaded(client, run_id, f"logs/train.log: {failure}")
    return failure is not None


def note_not_uploaded(client: TrackingClient, run_id: str, reason: str) -> None:
    """Logs and notes in the run that the results of a successful training are not uploaded, and how to upload them."""
    message = f"the results are not uploaded ({reason}); they are kept: run `tg-mlflow attach {run_id}` to try again"
    _logger.warning("The training has succeeded, but %s", message)
    try:
        client.without_patience().set_tag(run_id, NOT_UPLOADED_TAG, message)
    except TrackingError as error:
        _logger.warning("The run cannot be told so either: %s", error)
