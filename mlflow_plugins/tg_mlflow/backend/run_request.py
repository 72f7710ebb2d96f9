"""The user's request to run a project."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
import mlflow.projects
from mlflow.environment_variables import MLFLOW_RUN_ID
from mlflow.projects.utils import PROJECT_SYNCHRONOUS


@dataclass(frozen=True)
class RunRequest:
    """The arguments of one run, from any command or function.

    Attributes:
        project_uri: A folder, a git repository or a zip file.
        entry_point: The entry point to train.
        params: Its parameters.
        version: A commit or branch of a git repository.
        config: The backend config, which may include what MLflow adds.
        tracking_uri: The tracking server.
        experiment_id: The experiment of the run.
        run_id: A run that gets the training; a new one by default.
        run_name: The run's name; MLflow or the sweep invents one if there is none.
        is_command: Whether a command shows the outcome; otherwise the caller gets it.
    """

    project_uri: str
    entry_point: str
    params: Mapping[str, Any]
    version: str | None
    config: Mapping[str, Any]
    tracking_uri: str
    experiment_id: str
    run_id: str | None = None
    run_name: str | None = None
    is_command: bool = False

    @classmethod
    def of_command(
        cls,
        project_uri: str,
        entry_point: str,
        params: Mapping[str, Any],
        version: str | None,
        config: Mapping[str, Any],
        experiment_id: str,
        run_name: str | None,
    ) -> "RunRequest":
        """Builds the request of a command of ours: at the active tracking server, for the run of ``MLFLOW_RUN_ID``."""
        uri, run_id = mlflow.get_tracking_uri(), MLFLOW_RUN_ID.get()
        return cls(project_uri, entry_point, params, version, config, uri, experiment_id, run_id, run_name, True)

    @property
    def is_synchronous(self) -> bool:
        """Whether the caller waits for the run, as ``mlflow.projects.run`` does by default."""
        return bool(self.config.get(PROJECT_SYNCHRONOUS))


def read_command_options() -> Mapping[str, Any] | None:
    """Reads the options of ``mlflow run``, which MLflow does not pass on; ``None`` if no such command runs."""
    context = click.get_current_context(silent=True)
    return context.params if context is not None and "backend_config" in context.params else None


def read_given_run() -> str | None:
    """Reads which run is to get the training: that of ``run_id`` or ``--run-id``, or else of ``MLFLOW_RUN_ID``.

    MLflow passes ``run_id`` to its own backend only, and drops it without a word for others. So it is read where the
    caller has put it: in the frame of :func:`mlflow.projects.run`, which ``mlflow run`` calls, too.
    """
    frame, code = inspect.currentframe(), inspect.unwrap(mlflow.projects.run).__code__
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    given: str | None = None if frame is None else frame.f_locals.get("run_id")
    return given or MLFLOW_RUN_ID.get()
