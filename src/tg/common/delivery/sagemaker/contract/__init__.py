"""The contract of a job and its launcher: ``/opt/ml``, variables, exit codes, and the lines of the log.

Both sides import it, so it imports nothing of ours but the top level of ``tg.common``."""

from .log_event import LogEvent
from .metric_lines import MetricLineParser, MetricPoint, format_metric_line
from .ml_folder import MlFolder

__all__ = [
    "LogEvent",
    "MetricLineParser",
    "MetricPoint",
    "MlFolder",
    "format_metric_line",
]
