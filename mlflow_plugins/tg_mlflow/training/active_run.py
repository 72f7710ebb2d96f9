"""Makes a training's run the active one of MLflow while it is trained in this process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow.entities import RunStatus
from mlflow.tracking import fluent
from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import is_running
from tg_mlflow.training.job_notes import set_status

_SQLITE = "sqlite:///"

# The variables and MLflow's settings are the whole process's; trainings in it take turns anyway. One may start another.
_turn = threading.RLock()


@contextmanager
def active_run(client: TrackingClient, run_id: str) -> Iterator[None]:
    """Lets what is called of MLflow inside, here and in child processes, write to a run; all is as before afterwards.

    A run that the task leaves active is no longer active then. The training's own is RUNNING again, if the task has
    ended it: its launcher decides how it ends.

    Args:
        client: The tracking server's.
        run_id: The training's run.
    """
    variables = {
        "MLFLOW_TRACKING_URI": _make_absolute(client.tracking_uri),
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_EXPERIMENT_ID": client.find_experiment(run_id),
    }
    with _turn:
        before = {name: os.environ.get(name) for name in variables}
        stack = fluent._active_run_stack.get()
        active, experiment, uri = list(stack), fluent._active_experiment_id, mlflow.get_tracking_uri()
        autologging = {name: dict(settings) for name, settings in AUTOLOGGING_INTEGRATIONS.items()}
        try:
            stack.clear()
            fluent._active_experiment_id = None
            if uri != client.tracking_uri:
                mlflow.set_tracking_uri(client.tracking_uri)
            os.environ.update(variables)
            yield
        finally:
            fluent._active_run_stack.get()[:] = active
            fluent._active_experiment_id = experiment
            for name in AUTOLOGGING_INTEGRATIONS:  # what the launcher itself fits is no part of the training
                AUTOLOGGING_INTEGRATIONS[name] = autologging.get(name, {"disable": True})
            if mlflow.get_tracking_uri() != uri:
                mlflow.set_tracking_uri(uri)
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            reopen_run(client, run_id)


def reopen_run(client: TrackingClient, run_id: str) -> None:
    """Makes a run RUNNING again that its training's code has ended: the launcher decides how it ends."""
    try:
        is_open = is_running(client.without_patience().get_run(run_id))
    except TrackingError:
        return  # it is seen when the run is to be ended
    if not is_open:
        set_status(client, run_id, RunStatus.RUNNING)


def _make_absolute(uri: str) -> str:
    """Makes the path of a database absolute, as a child process may have another folder."""
    path = uri.removeprefix(_SQLITE)
    return uri if path == uri or path.startswith(("/", ":")) else f"{_SQLITE}{Path(path).absolute()}"
