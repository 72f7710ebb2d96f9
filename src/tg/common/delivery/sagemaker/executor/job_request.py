"""The request for a new job."""

from dataclasses import dataclass

from .config import SagemakerConfig


@dataclass(frozen=True)
class JobRequest:
    """What an executor needs to start a job.

    Attributes:
        job_id: The job's id, which no other job has.
        delivery: What is trained, and how it is delivered.
        has_new_id: Whether the executor has built the id for this job.
    """

    job_id: str
    delivery: SagemakerConfig
    has_new_id: bool = False
