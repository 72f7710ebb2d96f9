"""The state of a job on SageMaker, from the service's description."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..contract.variables import EXIT_KILLED
from ..executor.job_state import JobState, JobStatus

# While the job is in progress; in any other status, present or future, it has its machines.
_QUEUED = ("", "Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack", "Interrupted", "Restarting")
_KNOWN = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
_OVERDUE = {
    "MaxRuntimeExceeded": ("its time to run is over", "max_run_seconds"),
    "MaxWaitTimeExceeded": ("its time to wait and run is over", "max_wait_seconds"),
}
_EXIT_CODE = re.compile(r"\bexit code:? (\d{1,3})\b")
_NO_CAPACITY = re.compile(r"CapacityError|InsufficientCapacity|insufficient capacity", re.IGNORECASE)


@dataclass(frozen=True)
class StatusTransition:
    """A status transition of a job.

    Attributes:
        status: The secondary status, such as ``Downloading``.
        start_ms: When it began, in milliseconds since 1970 (UTC).
        message: The service's message, such as ``Downloading the training image``; it may change.
    """

    status: str
    start_ms: int
    message: str

    def __str__(self) -> str:
        return f"{self.status} - {self.message}" if self.message else self.status


@dataclass(frozen=True)
class JobDescription:
    """The service's description of a job.

    Attributes:
        job_id: Its name.
        arn: Its ARN.
        status: ``InProgress``, ``Completed``, ``Failed``, ``Stopping``, ``Stopped`` or a future one.
        secondary_status: The detailed status.
        failure_reason: Why it has failed.
        transitions: Its status transitions, the oldest first.
        image: The image's name in its registry.
        instance_type: The machine.
        instance_count: The number of machines.
        is_spot: Whether spot instances are used.
        max_run_seconds: How long it may run.
        max_wait_seconds: How long it may wait and run, with spot instances.
        dataset_uri: Its dataset; empty without one.
        checkpoints_uri: Where its checkpoints are copied to; empty if they are not.
        output_uri: The prefix of its results, without the job's name.
        archive_uri: Its result archive, once there is one.
        training_start_ms: When its machines began to be billed, in milliseconds since 1970.
        training_seconds: How long it has trained.
        billable_seconds: The billed time of each machine.
        submission: The attempt that created it.
    """

    job_id: str
    arn: str
    status: str
    secondary_status: str = ""
    failure_reason: str = ""
    transitions: Sequence[StatusTransition] = ()
    image: str = ""
    instance_type: str = ""
    instance_count: int = 1
    is_spot: bool = False
    max_run_seconds: int | None = None
    max_wait_seconds: int | None = None
    dataset_uri: str = ""
    checkpoints_uri: str = ""
    output_uri: str = ""
    archive_uri: str | None = None
    training_start_ms: int | None = None
    training_seconds: int | None = None
    billable_seconds: int | None = None
    submission: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in ("Completed", "Failed", "Stopped")

    @property
    def unknown_status(self) -> str | None:
        """The status, if this version does not know it; ``None`` also for one that is not told."""
        return self.status if self.status and self.status not in _KNOWN else None

    @property
    def last_step(self) -> str | None:
        """The last status transition, or else the secondary status, for people to read."""
        return str(self.transitions[-1]) if self.transitions else self.secondary_status or None


def build_remote_state(job: JobDescription) -> JobState:
    """Builds a job's state; one with an unknown status is running."""
    if job.status == "Completed":
        return JobState(JobStatus.COMPLETED, 0)
    if job.status == "Failed":
        reason = " ".join(job.failure_reason.split())
        codes = _EXIT_CODE.findall(reason)  # the last one is SageMaker's word; others are in the training's own
        exit_code = int(codes[-1]) if codes else None
        if exit_code == EXIT_KILLED and "memory" not in reason.lower():
            reason += "; it was killed, as the kernel does where memory is short: take a machine with more"
        lacks_machine = bool(_NO_CAPACITY.search(reason))
        return JobState(JobStatus.FAILED, exit_code, reason or "SageMaker gives no reason", lacks_machine)
    if job.status == "Stopped":
        if job.secondary_status in _OVERDUE:
            words, option = _OVERDUE[job.secondary_status]
            seconds = job.max_run_seconds if option == "max_run_seconds" else job.max_wait_seconds
            return JobState(
                JobStatus.FAILED, reason=f"{words}: {option} is {seconds}; raise it ({job.secondary_status})"
            )
        return JobState(JobStatus.STOPPED, reason="it was stopped")
    is_queued = job.status == "InProgress" and job.secondary_status in _QUEUED
    if is_queued:
        return JobState(JobStatus.QUEUED, reason=job.last_step)
    unknown = job.unknown_status
    return JobState(JobStatus.RUNNING, reason=unknown and f"SageMaker calls it {unknown!r}, which is not known here")
