"""A training as a job: where it runs, what it is given, what it says and brings back.

Names are imported when they are first used: a container that runs a job imports what the job needs, and neither the
executors nor what they know of Docker and AWS.
"""

from typing import TYPE_CHECKING

from ...lazy_names import lazy_names

# The room of each public name.
_HOMES = {
    "AccountOptions": ".remote",
    "ArchiveLimits": ".archive",
    "AttachedExecutor": ".machine",
    "AttachedOptions": ".machine",
    "Autonamer": ".naming",
    "check_completed": ".executor",
    "ConfiguredExecutor": ".notebook",
    "ContainerExecutor": ".container",
    "ContainerOptions": ".container",
    "DOCKERFILE_TEMPLATE": "..delivery",
    "Executor": ".executor",
    "format_job_name": ".naming",
    "format_metric_line": ".contract",
    "format_sweep_names": ".naming",
    "JobFacts": ".executor",
    "JobRequest": ".executor",
    "JobState": ".executor",
    "JobStatus": ".executor",
    "Listener": ".executor",
    "LogEvent": ".contract",
    "LogTail": ".executor",
    "MetricLineParser": ".contract",
    "MetricPoint": ".contract",
    "Pacing": ".remote",
    "PlaceOptions": ".executor",
    "ProcessExecutor": ".machine",
    "ProcessOptions": ".machine",
    "refuse_in_starting_worker": ".runtime",
    "RemoteExecutor": ".remote",
    "RemoteOptions": ".options",
    "RemotePlan": ".remote",
    "ResultArchive": ".archive",
    "SagemakerAttachedExecutor": ".notebook",
    "SagemakerConfig": ".executor",
    "SagemakerJob": ".runtime",
    "SagemakerLocalExecutor": ".notebook",
    "SagemakerOptions": ".options",
    "SagemakerProcessExecutor": ".notebook",
    "SagemakerRemoteExecutor": ".notebook",
    "SharedAccount": ".remote",
    "Traits": ".executor",
    "Usage": ".executor",
    "VpcOptions": ".options",
    "write_to_stdout": ".executor",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from ..delivery import DOCKERFILE_TEMPLATE as DOCKERFILE_TEMPLATE
    from .archive import ArchiveLimits as ArchiveLimits
    from .archive import ResultArchive as ResultArchive
    from .container import ContainerExecutor as ContainerExecutor
    from .container import ContainerOptions as ContainerOptions
    from .contract import LogEvent as LogEvent
    from .contract import MetricLineParser as MetricLineParser
    from .contract import MetricPoint as MetricPoint
    from .contract import format_metric_line as format_metric_line
    from .executor import Executor as Executor
    from .executor import JobFacts as JobFacts
    from .executor import JobRequest as JobRequest
    from .executor import JobState as JobState
    from .executor import JobStatus as JobStatus
    from .executor import Listener as Listener
    from .executor import LogTail as LogTail
    from .executor import PlaceOptions as PlaceOptions
    from .executor import SagemakerConfig as SagemakerConfig
    from .executor import Traits as Traits
    from .executor import Usage as Usage
    from .executor import check_completed as check_completed
    from .executor import write_to_stdout as write_to_stdout
    from .machine import AttachedExecutor as AttachedExecutor
    from .machine import AttachedOptions as AttachedOptions
    from .machine import ProcessExecutor as ProcessExecutor
    from .machine import ProcessOptions as ProcessOptions
    from .naming import Autonamer as Autonamer
    from .naming import format_job_name as format_job_name
    from .naming import format_sweep_names as format_sweep_names
    from .notebook import ConfiguredExecutor as ConfiguredExecutor
    from .notebook import SagemakerAttachedExecutor as SagemakerAttachedExecutor
    from .notebook import SagemakerLocalExecutor as SagemakerLocalExecutor
    from .notebook import SagemakerProcessExecutor as SagemakerProcessExecutor
    from .notebook import SagemakerRemoteExecutor as SagemakerRemoteExecutor
    from .options import RemoteOptions as RemoteOptions
    from .options import SagemakerOptions as SagemakerOptions
    from .options import VpcOptions as VpcOptions
    from .remote import AccountOptions as AccountOptions
    from .remote import Pacing as Pacing
    from .remote import RemoteExecutor as RemoteExecutor
    from .remote import RemotePlan as RemotePlan
    from .remote import SharedAccount as SharedAccount
    from .runtime import SagemakerJob as SagemakerJob
    from .runtime import refuse_in_starting_worker as refuse_in_starting_worker
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
