"""Jobs that another process has started: found from a run's tags, followed, described and stopped."""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "RunJob": ".run_job",
    "cancel": ".cancellation",
    "describe_status": ".status",
    "find_job": ".run_job",
    "find_left_job": ".left_job",
    "record_rest": ".rest",
    "show_log": ".status",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.takeover.cancellation import cancel as cancel
    from tg_mlflow.takeover.left_job import find_left_job as find_left_job
    from tg_mlflow.takeover.rest import record_rest as record_rest
    from tg_mlflow.takeover.run_job import RunJob as RunJob
    from tg_mlflow.takeover.run_job import find_job as find_job
    from tg_mlflow.takeover.status import describe_status as describe_status
    from tg_mlflow.takeover.status import show_log as show_log
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
