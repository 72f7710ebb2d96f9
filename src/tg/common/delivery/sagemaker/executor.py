"""What every place that runs trainings can do."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .log_event import LogEvent


class JobStatus(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)


@dataclass(frozen=True)
class JobState:
    """Where a job stands, and why.

    Attributes:
        status: The status.
        exit_code: What its process or container returned, where that is known.
        reason: Why it failed or was stopped, in one line; ``None`` for other jobs.
    """

    status: JobStatus
    exit_code: int | None = None
    reason: str | None = None


class SagemakerExecutor(ABC):
    """A place that runs jobs. A job's id is all that is needed to find it again, from another process too."""

    @abstractmethod
    def submit(self) -> str:
        """Starts the job and returns its id as soon as it is started.

        Raises:
            DeliveryError: If it cannot be started; nothing is left running then.
        """

    @abstractmethod
    def logs(self, job_id: str) -> Iterator[LogEvent]:
        """Yields the job's whole output from its beginning, as it is written; ends when the job has ended."""

    @abstractmethod
    def status(self, job_id: str) -> JobState:
        """Says where the job stands.

        Raises:
            DeliveryError: If there is no such job.
        """

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Stops the job and waits until it has ended; does nothing if it has ended before."""

    @abstractmethod
    def load_result(self, job_id: str) -> Any:
        """Opens the result archive of a job that has ended.

        Raises:
            ResultArchiveError: If there is none, or it is incomplete.
        """
