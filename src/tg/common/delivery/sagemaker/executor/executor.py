"""What every place that runs trainings can do."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from ....errors import DeliveryError, JobFailedError, JobStoppedError, JobUnreachableError
from ....logger import show
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..runtime.starting_workers import refuse_in_starting_worker
from .stored_dataset import StoredDataset

Listener: TypeAlias = Callable[[LogEvent], object]

# How much of a failed job's log an error shows.
TAIL_LINES = 50
# Of a longer one, its end.
_LONGEST_LINE = 10_000


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
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class JobState:
    """Where a job stands, and why.

    Attributes:
        status: The status.
        exit_code: What its process or container returned, where that is known.
        reason: Why it failed or was stopped, in one line; ``None`` for other jobs.
        lacks_machine: Whether it failed only since there was no machine of its kind to spare.
    """

    status: JobStatus
    exit_code: int | None = None
    reason: str | None = None
    lacks_machine: bool = False


@dataclass(frozen=True)
class JobFacts:
    """What there is to know of a job besides its state, for people to find and compare it.

    Attributes:
        tags: Texts, such as ``instance_type``.
        metrics: Numbers, such as ``billable_seconds``.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


class SagemakerExecutor(ABC):
    """A place that runs jobs. A job's id is all that is needed to find it again, from another process too.

    Attributes:
        place: What the place is called, in a word.
        is_remote: Whether jobs run elsewhere: they may wait for machines there, and who asks after them needs the
            account's credentials.
        repeats_logs: Whether :meth:`logs` gives the same bytes each time, so that a position in them stays what it is.
    """

    place: ClassVar[str]
    is_remote: ClassVar[bool] = False
    repeats_logs: ClassVar[bool] = True

    @abstractmethod
    def build_job_id(self) -> str:
        """Makes an id for a job of this executor's configuration that no other job has."""

    def prepare(self) -> None:
        """Does what is slow and the same for all jobs of one package, such as building its image.

        :meth:`submit` does it, too, if that has not been done.

        Raises:
            DeliveryError: If it cannot be done.
        """
        return None

    @abstractmethod
    def submit(self, job_id: str | None = None, listener: Listener | None = None) -> str:
        """Starts the job and returns its id as soon as it is started.

        Args:
            job_id: What :meth:`build_job_id` gave, so that the id can be noted before the job exists.
            listener: Called with the output that the job writes before this returns: all of it where the job runs in
                this process, none elsewhere.

        Raises:
            DeliveryError: If it cannot be started; nothing is left running then.
        """

    def has_submitted(self, job_id: str) -> bool:
        """Whether there is a job that this executor has started, or may have been starting when it was interrupted.

        Raises:
            JobUnreachableError: If that cannot be found out now.
        """
        try:
            self.status(job_id)
        except JobUnreachableError:
            raise
        except DeliveryError:
            return False
        return True

    @abstractmethod
    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the job's output as it is written; ends when the job has ended.

        Args:
            job_id: The job.
            position: How many bytes of the output to pass over, so that a reader can go on where one has stopped.
            follow: Whether to wait for more; otherwise what is there now is yielded.
        """

    @abstractmethod
    def status(self, job_id: str) -> JobState:
        """Says where the job stands.

        Raises:
            DeliveryError: If there is no such job.
        """

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Stops the job and waits until it has ended; does nothing if it has ended before.

        Raises:
            KeyboardInterrupt: If it is interrupted; the job is killed then.
        """

    def kill(self, job_id: str) -> None:
        """Ends the job without the time that :meth:`cancel` gives it to stop; or does not wait for its end, where its
        place gives it that time in any case.
        """
        self.cancel(job_id)

    def collect(self, job_id: str) -> None:
        """Brings all that an ended job has made here, and frees what it occupies elsewhere; done once however often.

        Where jobs run on this machine without a container, there is nothing to bring.

        Raises:
            DeliveryError: If the job has not ended.
        """
        return None

    @abstractmethod
    def load_result(self, job_id: str) -> ResultArchive:
        """Opens the result archive of a job that has ended; the caller closes it.

        Raises:
            ResultArchiveError: If there is none, or it is incomplete.
        """

    @abstractmethod
    def discard(self, job_id: str) -> None:
        """Removes what is kept of a job that has ended, its results too; does nothing if nothing is kept."""

    def facts(self, job_id: str) -> JobFacts:
        """Tells what is known of a job besides its state; there may be more when it has ended.

        Raises:
            DeliveryError: If there is no such job.
        """
        return JobFacts()

    def find_dataset(self, job_id: str) -> StoredDataset | None:
        """What the job is trained on, where that is not on this machine; ``None`` if it is, or if it is nothing.

        Raises:
            DeliveryError: If it cannot be found out.
        """
        return None

    def execute(self) -> Any:
        """Runs the job to its end, shows its output, and collects what it has made, whatever the end.

        Returns:
            The job's id.

        Raises:
            JobFailedError: If it ends in any other way than completed.
            JobUnreachableError: If it goes on, but cannot be followed any more; it is not stopped then.
            DeliveryError: If it cannot be started.
            TgError: In a worker that imports the program in which this stands.
        """
        refuse_in_starting_worker()
        job_id = self.submit()
        tail = LogTail()
        try:
            for event in self.logs(job_id):
                tail.add(event)
                write_to_stdout(event)
        except JobUnreachableError:
            raise
        except BaseException:
            try:
                self.cancel(job_id)
            finally:
                self.collect(job_id)
            raise
        self.collect(job_id)
        check_completed(job_id, self.status(job_id), tail)
        return job_id


def write_to_stdout(event: LogEvent) -> None:
    """Shows a job's output as it comes, as long as somebody reads it."""
    show(event.data.decode("utf-8", errors="replace"))


def check_completed(job_id: str, state: JobState, tail: "LogTail") -> None:
    """Looks at how a job has ended.

    Raises:
        JobStoppedError: If it was stopped.
        JobFailedError: If it has failed; the first line says why, the others are the end of its log.
    """
    if state.status is JobStatus.COMPLETED:
        return
    error = JobStoppedError if state.status is JobStatus.STOPPED else JobFailedError
    reason = f"job {job_id} has {state.status.value}: {state.reason or 'it gave no reason'}"
    raise error("\n  | ".join([reason, *tail.lines]) if tail.lines else reason)


class LogTail:
    """The last lines of an output that comes in pieces."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._open = b""

    def add(self, event: LogEvent) -> None:
        """Takes the next piece."""
        *complete, self._open = (self._open + event.data).split(b"\n")
        shown = (line[-_LONGEST_LINE:] for line in complete[-TAIL_LINES:])
        self._lines.extend(line.decode("utf-8", errors="replace").rstrip("\r") for line in shown)
        self._open = self._open[-_LONGEST_LINE:]

    @property
    def lines(self) -> list[str]:
        """The last lines, at most 50, the last one perhaps not ended yet."""
        return [*self._lines, *([self._open.decode("utf-8", errors="replace")] if self._open else [])]
