"""Whether what is kept of a job is still needed, decided in one place."""

import pytest

from tg.common import JobFailedError, JobUnreachableError
from tg.common.delivery.sagemaker.executor import JobStatus
from tg_mlflow.errors import RecordingError
from tg_mlflow.training.job import is_still_needed

COMPLETED, STOPPED, FAILED, RUNNING = JobStatus.COMPLETED, JobStatus.STOPPED, JobStatus.FAILED, JobStatus.RUNNING


@pytest.mark.parametrize(
    ("status", "is_recorded", "error", "expected"),
    [
        (COMPLETED, True, None, False),
        (COMPLETED, False, None, True),  # the artifact store did not take everything
        (COMPLETED, False, RecordingError("the server is away"), True),
        (COMPLETED, True, RecordingError("the server is away"), True),
        (RUNNING, False, JobUnreachableError("no network"), True),
        (COMPLETED, False, KeyboardInterrupt(), True),  # the results can still be uploaded
        (STOPPED, False, KeyboardInterrupt(), False),
        (RUNNING, False, KeyboardInterrupt(), False),
        (FAILED, False, JobFailedError("exit code 1"), False),
        (COMPLETED, False, ZeroDivisionError(), False),
    ],
)
def test_whether_a_job_is_still_needed(
    status: JobStatus, is_recorded: bool, error: BaseException | None, expected: bool
) -> None:
    assert is_still_needed(status, is_recorded, error) is expected
