"""What a job says: its output becomes metrics and a log in the run, while it runs.

It is given a client and log events; it knows no executors and no results.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "LogArtifact": ".log_artifact",
    "MetricNames": ".metric_names",
    "MetricWriter": ".metric_writer",
    "RunRecorder": ".recorder",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.recording.log_artifact import LogArtifact as LogArtifact
    from tg_mlflow.recording.metric_names import MetricNames as MetricNames
    from tg_mlflow.recording.metric_writer import MetricWriter as MetricWriter
    from tg_mlflow.recording.recorder import RunRecorder as RunRecorder
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
