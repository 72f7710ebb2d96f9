"""Tells a job that failed for want of a machine from others that failed."""

from collections.abc import Iterator
from contextlib import contextmanager

from tg.common import JobFailedError
from tg.common.delivery.sagemaker import Executor


class NoCapacityError(JobFailedError):
    """A job has failed only because no machine of its type was available.

    Args:
        message: How it has failed.
        job_id: The job.
    """

    def __init__(self, message: str, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


@contextmanager
def noticing_no_capacity(executor: Executor, job_id: str) -> Iterator[None]:
    """Watches a job while the context is open.

    Raises:
        NoCapacityError: In place of the job's error, if it failed for want of a machine.
    """
    try:
        yield
    except JobFailedError as error:
        if executor.status(job_id).lacks_machine:
            raise NoCapacityError(str(error), job_id) from error
        raise
