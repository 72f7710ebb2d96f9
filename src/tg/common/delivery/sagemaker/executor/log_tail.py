"""Shows a job's output, and keeps its last lines to explain a failure."""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ....errors import JobFailedError, JobStoppedError
from ....logger import show
from ..contract.log_event import LogEvent
from .job_state import JobState, JobStatus

Listener: TypeAlias = Callable[[LogEvent], object]

# How much of a failed job's log an error shows.
TAIL_LINES = 50
# Of a longer line, the end is shown.
_LONGEST_LINE = 10_000


class LogTail:
    """The last lines of an output that arrives in pieces.

    Args:
        most_lines: How many are kept.
    """

    def __init__(self, most_lines: int = TAIL_LINES) -> None:
        self._most_lines = most_lines
        self._lines: deque[str] = deque(maxlen=most_lines)
        self._open = b""

    def add(self, event: LogEvent) -> None:
        """Takes the next piece."""
        *complete, self._open = (self._open + event.data).split(b"\n")
        shown = (line[-_LONGEST_LINE:] for line in complete[-self._most_lines :])
        self._lines.extend(line.decode("utf-8", errors="replace").rstrip("\r") for line in shown)
        self._open = self._open[-_LONGEST_LINE:]

    @property
    def lines(self) -> list[str]:
        """The last lines; the last one may be incomplete."""
        return [*self._lines, *([self._open.decode("utf-8", errors="replace")] if self._open else [])]


def write_to_stdout(event: LogEvent) -> None:
    """Shows a job's output as it arrives, as long as somebody reads it."""
    show(event.data.decode("utf-8", errors="replace"))


def check_completed(job_id: str, state: JobState, tail: LogTail) -> None:
    """Checks that a job has completed.

    Raises:
        JobStoppedError: If it was stopped.
        JobFailedError: If it failed; the first line says why, the others are the end of its log.
    """
    if state.status is JobStatus.COMPLETED:
        return
    error = JobStoppedError if state.status is JobStatus.STOPPED else JobFailedError
    reason = f"job {job_id} has {state.status.value}: {state.reason or 'it gave no reason'}"
    lines = tail.lines[-TAIL_LINES:]
    raise error("\n  | ".join([reason, *lines]) if lines else reason)
