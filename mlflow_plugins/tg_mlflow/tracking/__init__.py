"""MLflow's tracking server: a client, tags, the life of a run, and which process records it.

It knows nothing of trainings, projects and places. No other room knows which errors MLflow raises: they come as
:class:`tg_mlflow.errors.TrackingError`.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "TrackingClient": ".client",
    "conducting_run": ".conducted_run",
    "ending_run": ".lifecycle",
    "find_launcher": ".launcher",
    "read_run": ".search",
    "read_settled_run": ".launcher",
    "search_runs": ".search",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.tracking.client import TrackingClient as TrackingClient
    from tg_mlflow.tracking.conducted_run import conducting_run as conducting_run
    from tg_mlflow.tracking.launcher import find_launcher as find_launcher
    from tg_mlflow.tracking.launcher import read_settled_run as read_settled_run
    from tg_mlflow.tracking.lifecycle import ending_run as ending_run
    from tg_mlflow.tracking.search import read_run as read_run
    from tg_mlflow.tracking.search import search_runs as search_runs
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
