"""A training as a job: where it runs, what it is given, what it says and brings back."""

from .attached_executor import SagemakerAttachedExecutor
from .autonamer import Autonamer
from .config import SagemakerConfig
from .dockerfile_template import DOCKERFILE_TEMPLATE
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
from .job import SagemakerJob
from .job_name import format_job_name
from .local_executor import SagemakerLocalExecutor
from .log_event import LogEvent
from .metric_lines import MetricLineParser, MetricPoint, format_metric_line
from .options import SagemakerOptions
from .pacing import Pacing
from .process_executor import SagemakerProcessExecutor
from .remote_executor import SagemakerRemoteExecutor
from .remote_options import RemoteOptions, VpcOptions
from .remote_plan import RemotePlan
from .result_archive import ArchiveLimits, ResultArchive
from .shared_account import SharedAccount
from .starting_workers import refuse_in_starting_worker
from .sweep_names import format_sweep_names

__all__ = [
    "DOCKERFILE_TEMPLATE",
    "ArchiveLimits",
    "Autonamer",
    "JobFacts",
    "JobState",
    "JobStatus",
    "Listener",
    "LogEvent",
    "LogTail",
    "MetricLineParser",
    "MetricPoint",
    "Pacing",
    "RemoteOptions",
    "RemotePlan",
    "ResultArchive",
    "SagemakerAttachedExecutor",
    "SagemakerConfig",
    "SagemakerExecutor",
    "SagemakerJob",
    "SagemakerLocalExecutor",
    "SagemakerOptions",
    "SagemakerProcessExecutor",
    "SagemakerRemoteExecutor",
    "SharedAccount",
    "VpcOptions",
    "check_completed",
    "format_job_name",
    "format_metric_line",
    "format_sweep_names",
    "refuse_in_starting_worker",
    "write_to_stdout",
]
