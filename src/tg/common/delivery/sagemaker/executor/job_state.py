"""The state of a job, and what else is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The fact that says where an ended job's checkpoints are kept.
CHECKPOINTS_FACT = "checkpoints"


class JobStatus(Enum):
    """The stage that a job has reached."""

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
    """The stage that a job has reached, and why.

    Attributes:
        status: The status.
        exit_code: The exit code of its process or container, where that is known: after a signal, that is 128 and the
            signal's number, or the number below 0 of a process.
        reason: Why it failed or was stopped, or what it waits for, in one line; ``None`` if there is nothing to say.
        lacks_machine: Whether it failed only because no machine of its type was available.
    """

    status: JobStatus
    exit_code: int | None = None
    reason: str | None = None
    lacks_machine: bool = False


@dataclass(frozen=True)
class JobFacts:
    """What is known about a job besides its state, for people to find and compare it.

    Attributes:
        tags: Texts, such as ``instance_type``.
        metrics: Numbers, such as ``billable_seconds``.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
