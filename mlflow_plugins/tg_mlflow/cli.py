"""The command ``tg-mlflow``."""

import json
import logging
import sys
from pathlib import Path
from typing import NoReturn

import click
import mlflow
from mlflow import MlflowClient
from mlflow.environment_variables import MLFLOW_RUN_ID

from tg.common import TgError
from tg.common.delivery.sagemaker import SagemakerAttachedExecutor
from tg_mlflow.backend_config import AttachedConfig, load_backend_config
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.project import read_project
from tg_mlflow.recorded_training import train_recorded
from tg_mlflow.run_lifecycle import create_run, describe_failure
from tg_mlflow.train_command import parse_train_words

_logger = logging.getLogger("mlflow.tg_mlflow")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tg-mlflow")
def main() -> None:
    """Runs trainings as objects and records them in MLflow."""


@main.command()
@click.argument("target", metavar="MODULE:FACTORY")
@click.argument("assignments", metavar="[NAME=VALUE]...", nargs=-1)
@click.option(
    "--config", metavar="FILE|JSON", help="Backend config: a .json file or JSON text. Its keys go before tg.json's."
)
@click.option(
    "--project",
    "folder",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder with the MLproject, the factory's module and tg.json.",
)
@click.option("--experiment-name", help="Where to create the run, if none surrounds this command.")
@click.option("--run-name", help="The new run's name.")
def train(
    target: str,
    assignments: tuple[str, ...],
    config: str | None,
    folder: Path,
    experiment_name: str | None,
    run_name: str | None,
) -> None:
    """Calls FACTORY in MODULE with the values and trains the task it returns, in this process.

    \b
    Example: tg-mlflow train tasks:build_task max_iter=1000 C=0.5

    Values are converted by the factory's annotations. Inside `mlflow run`, the training is recorded in that run;
    otherwise a run is created.
    """
    try:
        command = parse_train_words(target, assignments)
        project = read_project(folder)
        settings = load_backend_config(AttachedConfig, project.folder, _read_config(config))
    except TgError as error:
        _exit_with(describe_failure(error))
    client = MlflowClient()
    run_id, params = MLFLOW_RUN_ID.get(), {}
    if run_id is None:
        if experiment_name is not None:
            mlflow.set_experiment(experiment_name)
        experiment_id = str(mlflow.tracking.fluent._get_experiment_id())
        run_id = create_run(client, experiment_id, project, target, "tg-attached", run_name)
        params = dict(command.arguments)  # otherwise whoever made the run has logged them
    failure = train_recorded(client, run_id, params, project, command, settings, SagemakerAttachedExecutor)
    if failure is not None:
        _exit_with(failure)


def _read_config(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    try:
        config = json.loads(Path(text).read_text(encoding="utf-8") if text.endswith(".json") else text)
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"--config {text!r} is neither a JSON file nor JSON text: {error}") from error
    if not isinstance(config, dict):
        raise BackendConfigError(f"--config {text!r} holds a {type(config).__name__}; give an object")
    return config


def _exit_with(message: str) -> NoReturn:
    _logger.error("=== %s ===", message)
    sys.exit(1)
