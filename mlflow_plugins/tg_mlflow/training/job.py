"""The job of a run."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker import Executor, JobStatus, LogEvent
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.kept_checkpoints import find_checkpoints, measure_files
from tg_mlflow.errors import RecordingError

_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass(frozen=True)
class Job:
    """A job and the run that records it.

    Attributes:
        run_id: The run.
        executor: The executor that can reach the job.
        job_id: The job's id.
    """

    run_id: str
    executor: Executor
    job_id: str

    @property
    def status(self) -> JobStatus:
        """The job's status now."""
        return self.executor.status(self.job_id).status

    def logs(self, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the job's output, as :meth:`Executor.logs` does."""
        return self.executor.logs(self.job_id, position, follow)

    def discard(self) -> None:
        """Removes what is kept of the job, and what this machine knows of its run; says which checkpoints stay."""
        self.executor.discard(self.job_id)
        JobFolder.discard(self.job_id)
        if (kept := find_checkpoints(self.job_id)) is not None:
            _logger.info(
                "The checkpoints of run %s are kept in %s (%s bytes); to go on from them, run `tg-mlflow resume %s`",
                self.run_id,
                kept,
                f"{measure_files(kept):,}",
                self.run_id,
            )


def is_still_needed(status: JobStatus, is_recorded: bool, error: BaseException | None = None) -> bool:
    """Decides whether what is kept of a job is needed to complete its run.

    Args:
        status: The job's status.
        is_recorded: Whether all that the job has made is in the run.
        error: What ended the recording early, if something did.
    """
    if isinstance(error, (RecordingError, JobUnreachableError)):
        return True  # the process that attaches records the rest
    if isinstance(error, KeyboardInterrupt):
        return status is JobStatus.COMPLETED  # its results are not uploaded yet
    return error is None and not is_recorded
