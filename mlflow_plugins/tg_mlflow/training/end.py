"""How a training has ended."""

import logging
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import RunStatus

from tg.common import JobFailedError, TgError
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.system.disk_errors import is_of_the_disk, is_temporary
from tg_mlflow.errors import RecordingError, RunEndedError, describe_failure, format_trace
from tg_mlflow.tracking.client import TrackingClient

# A child of MLflow's logger, which is configured with it.
_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass(frozen=True)
class TrainingEnd:
    """How a training has ended.

    Attributes:
        status: The run's status, such as ``FINISHED``; ``RUNNING`` where its job goes on, or not all is recorded.
        failure: The run's id and status and what went wrong, in one line; further lines are the end of the job's log.
            ``None`` if nothing did.
    """

    status: str
    failure: str | None = None


def read_end(client: TrackingClient, run_id: str, error: BaseException) -> TrainingEnd:
    """Describes the end of a run after an error; logs the traceback of an error of the project's own code."""
    if isinstance(error, RecordingError):
        failure = f"Run {run_id} is not complete: {describe_failure(error)}"
        return TrainingEnd(RunStatus.to_string(RunStatus.RUNNING), client.mask.mask(failure))
    if not (isinstance(error, TgError) or _is_of_our_disk(error)):
        trace = format_trace(error)
        _logger.error("The training raised an error that is not about its input:\n%s", client.mask.mask(trace))
    status = client.get_run(run_id).info.status
    if isinstance(error, RunEndedError) and status == RunStatus.to_string(RunStatus.FINISHED):
        _logger.info("Run %s is %s: %s", run_id, status, error)
        return TrainingEnd(status)
    tail = str(error).partition("\n")[2] if isinstance(error, JobFailedError) else ""
    failure = f"Run {run_id} {status}: {describe_failure(error)}{tail and chr(10) + tail}"
    return TrainingEnd(status, client.mask.mask(failure))


def _is_of_our_disk(error: BaseException) -> bool:
    """Whether this machine's disk does not take, or give, what the launcher keeps there."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str) or not is_of_the_disk(error):
        return False
    return is_temporary(error) or Path(error.filename).is_relative_to(jobs_path())
