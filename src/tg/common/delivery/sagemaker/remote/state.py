"""Where a job on SageMaker stands, from what the service says of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..executor.job_state import JobState, JobStatus

# While the job is in progress; whatever else there is or will be, the machines are there.
_QUEUED = ("", "Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack", "Interrupted", "Restarting")
_OVERDUE = {
    "MaxRuntimeExceeded": ("its time to run is over", "max_run_seconds"),
    "MaxWaitTimeExceeded": ("its time to wait and run is over", "max_wait_seconds"),
}
_NO_CAPACITY = re.compile(r"CapacityError|InsufficientCapacity|insufficient capacity", re.IGNORECASE)


@dataclass(frozen=True)
class StatusTransition:
    """A step in a job's life, as the service tells it.

    Attributes:
        status: The secondary status, such as ``Downloading``.
        start_ms: When it began, in milliseconds since 1970 (UTC).
        message: What the service says of it, such as ``Downloading the training image``; it may change meanwhile.
    """

    status: str
    start_ms: int
    message: str

    def __str__(self) -> str:
        return f"{self.status} - {self.message}" if self.message else self.status


@dataclass(frozen=True)
class JobDescription:
    """What the service says of a job.

    Attributes:
        job_id: Its name.
        arn: Its ARN.
        status: ``InProgress``, ``Completed``, ``Failed``, ``Stopping``, ``Stopped`` or what is added to these.
        secondary_status: More of it.
        failure_reason: Why it has failed.
        transitions: Its life, the oldest step first.
        image: The image's name in its registry.
        instance_type: The machine.
        instance_count: How many of them.
        is_spot: Whether spare machines are used.
        max_run_seconds: How long it may run.
        max_wait_seconds: How long it may wait and run, for spare machines.
        dataset_uri: What it is trained on; empty if that is nothing.
        output_uri: Where its results go, the job's name not included.
        archive_uri: Where its result archive is, once there is one.
        training_seconds: How long it has trained.
        billable_seconds: For how long each machine is paid.
        submission: Which attempt to create it has created it.
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
    output_uri: str = ""
    archive_uri: str | None = None
    training_seconds: int | None = None
    billable_seconds: int | None = None
    submission: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in ("Completed", "Failed", "Stopped")


def build_remote_state(job: JobDescription) -> JobState:
    """Reads a job's state; one with a status that is not known runs."""
    if job.status == "Completed":
        return JobState(JobStatus.COMPLETED)
    if job.status == "Failed":
        reason = " ".join(job.failure_reason.split())
        lacks_machine = bool(_NO_CAPACITY.search(reason))
        return JobState(JobStatus.FAILED, reason=reason or "SageMaker gives no reason", lacks_machine=lacks_machine)
    if job.status == "Stopped":
        if job.secondary_status in _OVERDUE:
            words, option = _OVERDUE[job.secondary_status]
            seconds = job.max_run_seconds if option == "max_run_seconds" else job.max_wait_seconds
            return JobState(
                JobStatus.FAILED, reason=f"{words}: {option} is {seconds}; raise it ({job.secondary_status})"
            )
        return JobState(JobStatus.STOPPED, reason="it was stopped")
    is_queued = job.status == "InProgress" and job.secondary_status in _QUEUED
    return JobState(JobStatus.QUEUED if is_queued else JobStatus.RUNNING)
