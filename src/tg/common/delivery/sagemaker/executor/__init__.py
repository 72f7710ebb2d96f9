"""The interface of all that runs jobs, and the values that pass through it.

It knows no particular place: neither processes, nor containers, nor AWS.
"""

from .config import SagemakerConfig
from .executor import Executor
from .job_request import JobRequest
from .job_state import JobFacts, JobState, JobStatus
from .log_tail import Listener, LogTail, check_completed, write_to_stdout
from .place_options import PlaceOptions
from .stored_dataset import StoredDataset
from .traits import Traits
from .usage import Usage

__all__ = [
    "Executor",
    "JobFacts",
    "JobRequest",
    "JobState",
    "JobStatus",
    "Listener",
    "LogTail",
    "PlaceOptions",
    "SagemakerConfig",
    "StoredDataset",
    "Traits",
    "Usage",
    "check_completed",
    "write_to_stdout",
]
