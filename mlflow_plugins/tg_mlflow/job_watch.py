"""Watches a job to its end and records what it says and makes; the same for who has started it and who comes later."""

import logging
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tg.common.delivery.sagemaker import SagemakerExecutor, check_completed, write_to_stdout
from tg_mlflow.backend_config import LogConfig
from tg_mlflow.result_artifacts import log_result
from tg_mlflow.run_recorder import RunRecorder

_logger = logging.getLogger("mlflow.tg_mlflow")

NOT_UPLOADED_TAG = "tg.not_uploaded"
_LONGEST_TAG = 8000


def watch_job(
    client: MlflowClient,
    run_id: str,
    executor: SagemakerExecutor,
    job_id: str,
    recorder: RunRecorder,
    dataset: Path | None,
    log: LogConfig,
) -> bool:
    """Shows and records a job's output from where the recorder stands, and logs its results.

    A training that has succeeded does not fail because its results cannot be uploaded: ``tg.not_uploaded`` says so.

    Args:
        client: The tracking server's.
        run_id: The run.
        executor: Where the job is.
        job_id: The job.
        recorder: Takes the output; what it has taken before is passed over.
        dataset: What was trained on, where it is here.
        log: What to log besides the archive.

    Returns:
        Whether the results have been logged; otherwise what the job has made is still needed.

    Raises:
        JobFailedError: If the job has not completed.
        ResultArchiveError: If its results are not complete.
    """
    for event in executor.logs(job_id, recorder.position):
        write_to_stdout(event)
        recorder.take(event)
    check_completed(job_id, executor.status(job_id), recorder.tail)
    try:
        log_result(client, run_id, executor, job_id, dataset, log)
    except (MlflowException, OSError) as error:
        message = f"the results are not uploaded ({error}); they are kept: run `tg-mlflow attach {run_id}` to try again"
        _logger.warning("The training has succeeded, but %s", message)
        _try_to_tag(client, run_id, message)
        return False
    return True


def _try_to_tag(client: MlflowClient, run_id: str, message: str) -> None:
    try:
        client.set_tag(run_id, NOT_UPLOADED_TAG, message[:_LONGEST_TAG])
    except (MlflowException, OSError) as error:
        _logger.warning("The run cannot be told so either: %s", error)
