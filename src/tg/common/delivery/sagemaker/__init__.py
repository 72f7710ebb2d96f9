"""A training as a job: where it runs, what it is given, what it says and brings back."""

from .attached_executor import SagemakerAttachedExecutor
from .autonamer import Autonamer
from .config import SagemakerConfig
from .job import SagemakerJob
from .local_executor import DOCKERFILE_TEMPLATE, SagemakerLocalExecutor
from .log_event import LogEvent
from .metric_lines import MetricLineParser, MetricPoint, format_metric_line
from .options import SagemakerOptions
from .process_executor import SagemakerProcessExecutor

__all__ = [
    "DOCKERFILE_TEMPLATE",
    "Autonamer",
    "LogEvent",
    "MetricLineParser",
    "MetricPoint",
    "SagemakerAttachedExecutor",
    "SagemakerConfig",
    "SagemakerJob",
    "SagemakerLocalExecutor",
    "SagemakerOptions",
    "SagemakerProcessExecutor",
    "format_metric_line",
]
