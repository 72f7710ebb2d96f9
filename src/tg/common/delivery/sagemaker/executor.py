"""What every place that runs trainings can do."""

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ...errors import JobFailedError
from .log_event import LogEvent
from .result_archive import ResultArchive

# How much of a failed job's log an error shows.
TAIL_LINES = 50


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
    def build_job_id(self) -> str:
        """Makes an id for a job of this executor's configuration that no other job has."""

    @abstractmethod
    def submit(self, job_id: str | None = None) -> str:
        """Starts the job and returns its id as soon as it is started.

        Args:
            job_id: What :meth:`build_job_id` gave, so that the id can be noted before the job exists.

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
    def load_result(self, job_id: str) -> ResultArchive:
        """Opens the result archive of a job that has ended; the caller closes it.

        Raises:
            ResultArchiveError: If there is none, or it is incomplete.
        """

    def execute(self) -> Any:
        """Runs the job to its end and shows its output.

        Returns:
            The job's id.

        Raises:
            JobFailedError: If it ends in any other way than completed.
            DeliveryError: If it cannot be started.
        """
        job_id = self.submit()
        tail = _Tail()
        try:
            for event in self.logs(job_id):
                tail.add(event.data)
                sys.stdout.write(event.data.decode("utf-8", errors="replace"))
        except BaseException:
            self.cancel(job_id)
            raise
        state = self.status(job_id)
        if state.status is not JobStatus.COMPLETED:
            raise JobFailedError(describe_failed_job(job_id, state, tail.lines))
        return job_id


def describe_failed_job(job_id: str, state: JobState, tail: list[str]) -> str:
    """Writes why a job did not complete, with the end of its log."""
    end = "".join(f"\n  | {line}" for line in tail[-TAIL_LINES:])
    return (
        f"job {job_id} has {state.status.value}: {state.reason or 'it gave no reason'}{end and f'; its log ends:{end}'}"
    )


class _Tail:
    """The last lines of an output that comes in pieces."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._open = b""

    def add(self, data: bytes) -> None:
        *complete, self._open = (self._open + data).split(b"\n")
        self._lines.extend(line.decode("utf-8", errors="replace").rstrip("\r") for line in complete[-TAIL_LINES:])
        self._open = self._open[-10_000:]

    @property
    def lines(self) -> list[str]:
        return [*self._lines, *([self._open.decode("utf-8", errors="replace")] if self._open else [])]
