"""A training as a job: where it runs, what it is given, what it says and brings back."""

from .archive.result_archive import ArchiveLimits, ResultArchive
from .container.container_executor import ContainerExecutor, ContainerOptions
from .contract.log_event import LogEvent
from .contract.metric_lines import MetricLineParser, MetricPoint, format_metric_line
from .dockerfile_template import DOCKERFILE_TEMPLATE
from .executor.config import SagemakerConfig
from .executor.executor import Executor
from .executor.job_request import JobRequest
from .executor.job_state import JobFacts, JobState, JobStatus
from .executor.log_tail import Listener, LogTail, check_completed, write_to_stdout
from .executor.place_options import PlaceOptions
from .executor.traits import Traits
from .machine.attached_executor import AttachedExecutor, AttachedOptions
from .machine.process_executor import ProcessExecutor, ProcessOptions
from .naming.autonamer import Autonamer
from .naming.job_name import format_job_name
from .naming.sweep_names import format_sweep_names
from .notebook.attached import SagemakerAttachedExecutor
from .notebook.configured_executor import ConfiguredExecutor
from .notebook.local import SagemakerLocalExecutor
from .notebook.process import SagemakerProcessExecutor
from .notebook.remote import SagemakerRemoteExecutor
from .options.options import SagemakerOptions
from .options.remote_options import RemoteOptions, VpcOptions
from .remote.pacing import Pacing
from .remote.plan import RemotePlan
from .remote.remote_executor import AccountOptions, RemoteExecutor
from .remote.shared_account import SharedAccount
from .runtime.job import SagemakerJob
from .runtime.starting_workers import refuse_in_starting_worker

__all__ = [
    "DOCKERFILE_TEMPLATE",
    "AccountOptions",
    "ArchiveLimits",
    "AttachedExecutor",
    "AttachedOptions",
    "Autonamer",
    "ConfiguredExecutor",
    "ContainerExecutor",
    "ContainerOptions",
    "Executor",
    "JobFacts",
    "JobRequest",
    "JobState",
    "JobStatus",
    "Listener",
    "LogEvent",
    "LogTail",
    "MetricLineParser",
    "MetricPoint",
    "Pacing",
    "PlaceOptions",
    "ProcessExecutor",
    "ProcessOptions",
    "RemoteExecutor",
    "RemoteOptions",
    "RemotePlan",
    "ResultArchive",
    "SagemakerAttachedExecutor",
    "SagemakerConfig",
    "SagemakerJob",
    "SagemakerLocalExecutor",
    "SagemakerOptions",
    "SagemakerProcessExecutor",
    "SagemakerRemoteExecutor",
    "SharedAccount",
    "Traits",
    "VpcOptions",
    "check_completed",
    "format_job_name",
    "format_metric_line",
    "format_sweep_names",
    "refuse_in_starting_worker",
    "write_to_stdout",
]
