"""A training as a job: where it runs, what it is given, what it says and brings back."""

from .archive.result_archive import ArchiveLimits, ResultArchive
from .container.local_executor import SagemakerLocalExecutor
from .contract.log_event import LogEvent
from .contract.metric_lines import MetricLineParser, MetricPoint, format_metric_line
from .dockerfile_template import DOCKERFILE_TEMPLATE
from .executor.config import SagemakerConfig
from .executor.executor import (
    JobFacts,
    JobState,
    JobStatus,
    Listener,
    LogTail,
    SagemakerExecutor,
    check_completed,
    write_to_stdout,
)
from .machine.attached_executor import SagemakerAttachedExecutor
from .machine.process_executor import SagemakerProcessExecutor
from .naming.autonamer import Autonamer
from .naming.job_name import format_job_name
from .naming.sweep_names import format_sweep_names
from .options.options import SagemakerOptions
from .options.remote_options import RemoteOptions, VpcOptions
from .remote.pacing import Pacing
from .remote.plan import RemotePlan
from .remote.remote_executor import SagemakerRemoteExecutor
from .remote.shared_account import SharedAccount
from .runtime.job import SagemakerJob
from .runtime.starting_workers import refuse_in_starting_worker

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
