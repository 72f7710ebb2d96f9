"""The interface of all that runs jobs, and the values that pass through it.

It knows no place: neither a process, nor a container, nor AWS."""

from .config import SagemakerConfig
from .executor import (
    JobFacts,
    JobState,
    JobStatus,
    Listener,
    LogTail,
    SagemakerExecutor,
    check_completed,
    write_to_stdout,
)
from .stored_dataset import StoredDataset

__all__ = [
    "JobFacts",
    "JobState",
    "JobStatus",
    "Listener",
    "LogTail",
    "SagemakerConfig",
    "SagemakerExecutor",
    "StoredDataset",
    "check_completed",
    "write_to_stdout",
]
