"""The user's request to run a project."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
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
    run_name: str | None = None
    is_command: bool = False

    @property
    def is_synchronous(self) -> bool:
        """Whether the caller waits for the run, as ``mlflow.projects.run`` does by default."""
        return bool(self.config.get(PROJECT_SYNCHRONOUS))


def read_command_options() -> Mapping[str, Any] | None:
    """Reads the options of ``mlflow run``, which MLflow does not pass on; ``None`` if no such command runs."""
    context = click.get_current_context(silent=True)
    return context.params if context is not None and "backend_config" in context.params else None
