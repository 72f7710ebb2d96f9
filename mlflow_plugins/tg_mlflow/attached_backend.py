"""The project backend ``tg-attached``: trains in the process that asks for it."""

import logging
from collections.abc import Mapping
from typing import Any

import click
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import PROJECT_SYNCHRONOUS

from tg.common import TgError
from tg_mlflow.attached_training import train_attached
from tg_mlflow.backend_config import AttachedConfig, load_backend_config
from tg_mlflow.project import fetch_project
from tg_mlflow.run_lifecycle import create_run, describe_failure, ending_run, log_params, terminating_as_interrupt
from tg_mlflow.run_summary import describe_run
from tg_mlflow.submitted_run import EndedRun

# A child of MLflow's logger, so that whoever configures MLflow's output configures ours.
_logger = logging.getLogger("mlflow.tg_mlflow")

NAME = "tg-attached"


class AttachedBackend(AbstractBackend):
    """Runs an entry point ``tg-mlflow train MODULE:FACTORY …`` in this process and records it."""

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: Mapping[str, Any] | None,
        version: str | None,
        backend_config: Mapping[str, Any] | None,
        tracking_uri: str,
        experiment_id: str,
    ) -> SubmittedRun:
        """Trains before it returns, whether or not it is asked to wait.

        Raises:
            ExecutionException: If nothing could be started. If the training failed, too, where nobody would wait for
                the run that is returned: ``mlflow run`` does not.
        """
        given = dict(backend_config or {})
        shell = _shell_parameters()
        try:
            project = fetch_project(project_uri, version)
            raw_params = project.resolve_parameters(entry_point, params or {})
            command = project.build_command(entry_point, raw_params)
            config = load_backend_config(AttachedConfig, project.folder, given)
        except TgError as error:
            raise ExecutionException(describe_failure(error)) from error
        client = MlflowClient(tracking_uri)
        run_id = create_run(client, experiment_id, project, entry_point, NAME, shell.get("run_name"))
        try:
            with terminating_as_interrupt(), ending_run(client, run_id):
                log_params(client, run_id, raw_params)
                train_attached(client, run_id, project, command, config)
        except (Exception, SystemExit) as error:
            if not isinstance(error, TgError):
                _logger.exception("The training raised an error that is not about its input:")
            failure = f"Run {run_id} FAILED: {describe_failure(error)}"
            if shell:
                raise ExecutionException(failure) from error
            return EndedRun(run_id, failure, raises=bool(given.get(PROJECT_SYNCHRONOUS)))
        _logger.info("%s", describe_run(client, run_id, tracking_uri))
        return EndedRun(run_id)


def _shell_parameters() -> dict[str, Any]:
    """The options of ``mlflow run``, if that is what runs us; MLflow does not hand them on."""
    context = click.get_current_context(silent=True)
    return dict(context.params) if context is not None and "backend_config" in context.params else {}
