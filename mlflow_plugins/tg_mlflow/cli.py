"""The command ``tg-mlflow``."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import mlflow
from mlflow import MlflowClient
from mlflow.environment_variables import MLFLOW_RUN_ID
from mlflow.exceptions import MlflowException

from tg.common import TgError
from tg.common.delivery.sagemaker import SagemakerAttachedExecutor, write_to_stdout
from tg_mlflow import resume
from tg_mlflow.announcement import announce_end, announcing_interrupt
from tg_mlflow.backend_config import AttachedConfig, load_backend_config
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.project import read_project
from tg_mlflow.project_secrets import find_secrets
from tg_mlflow.recorded_training import train_recorded
from tg_mlflow.request_headers import silence_header_warnings
from tg_mlflow.run_job import find_run_job
from tg_mlflow.run_lifecycle import create_run, describe_failure
from tg_mlflow.train_command import parse_train_words
from tg_mlflow.training_source import ProjectTraining
from tg_mlflow.upload_command import upload_project_dataset

_logger = logging.getLogger("mlflow.tg_mlflow")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tg-mlflow")
def main() -> None:
    """Runs trainings as objects and records them in MLflow."""
    silence_header_warnings()


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
        client = MaskingClient(mlflow.get_tracking_uri(), find_secrets({}, project, command, settings))
    except TgError as error:
        _exit_with(describe_failure(error))
    run_id, params = MLFLOW_RUN_ID.get(), {}
    if run_id is None:
        if experiment_name is not None:
            mlflow.set_experiment(experiment_name)
        experiment_id = str(mlflow.tracking.fluent._get_experiment_id())
        run_id = create_run(client, experiment_id, project, target, "tg-attached", run_name)
        params = dict(command.arguments)  # otherwise whoever made the run has logged them
    source = ProjectTraining(project, command)
    with announcing_interrupt(run_id):
        end = train_recorded(client, run_id, params, source, settings, SagemakerAttachedExecutor)
    announce_end(client, run_id, end)
    if end.failure is not None:
        _exit_with(end.failure.partition("\n")[0])  # the log has been shown


@main.command("attach")
@click.argument("run_id")
def attach_command(run_id: str) -> None:
    """Takes over a run whose launcher is gone.

    Shows and records the job's output from its beginning, waits for its end, uploads what is missing and ends the run.
    Nothing is doubled. Ctrl-C stops the waiting, not the job.
    """
    _run_or_exit(lambda client: resume.attach(client, run_id))


@main.command()
@click.argument("run_id")
def status(run_id: str) -> None:
    """Says where a run and its job stand."""

    def show(client: MlflowClient) -> None:
        found = find_run_job(client, run_id)
        state = found.executor.status(found.job_id)
        click.echo(f"run {run_id} {found.run.info.status}")
        click.echo(f"job {found.job_id} {state.status.value}{f': {state.reason}' if state.reason else ''}")

    _run_or_exit(show)


@main.command()
@click.argument("run_id")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
def logs(run_id: str, follow: bool) -> None:
    """Shows the output of a run's job, as long as the job is kept."""

    def show(client: MlflowClient) -> None:
        found = find_run_job(client, run_id)
        for event in found.executor.logs(found.job_id, follow=follow):
            write_to_stdout(event)

    _run_or_exit(show)


@main.command("cancel")
@click.argument("run_id")
def cancel_command(run_id: str) -> None:
    """Stops a run's job and ends the run as KILLED."""
    _run_or_exit(lambda client: resume.cancel(client, run_id))


@main.command()
def reconcile() -> None:
    """Settles runs that were left RUNNING and whose jobs have ended."""

    def show(client: MlflowClient) -> None:
        outcomes = resume.reconcile(client)
        for run_id, outcome in outcomes.items():
            click.echo(f"{run_id}  {outcome}")
        click.echo(f"{len(outcomes)} runs were RUNNING")

    _run_or_exit(show)


@main.command("upload-dataset")
@click.argument("folder", metavar="[PROJECT_FOLDER]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--backend-config",
    metavar="FILE|JSON",
    help="Backend config of tg-sagemaker: a .json file or JSON text. Its keys go before tg.json's.",
)
def upload_dataset_command(folder: Path, backend_config: str | None) -> None:
    """Uploads a project's dataset to where tg-sagemaker looks for it in S3.

    What is there with the same content is not sent again. None of the project's code is run.
    """
    try:
        click.echo(upload_project_dataset(folder, _read_config(backend_config, "--backend-config")))
    except TgError as error:
        _exit_with(describe_failure(error))


def _run_or_exit(action: Callable[[MlflowClient], None]) -> None:
    try:
        action(MlflowClient())
    except TgError as error:
        _exit_with(describe_failure(error))
    except MlflowException as error:
        _exit_with(f"the tracking server at {mlflow.get_tracking_uri()} does not answer as it should: {error}")


def _read_config(text: str | None, option: str = "--config") -> dict[str, object]:
    if text is None:
        return {}
    try:
        config = json.loads(Path(text).read_text(encoding="utf-8") if text.endswith(".json") else text)
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"{option} {text!r} is neither a JSON file nor JSON text: {error}") from error
    if not isinstance(config, dict):
        raise BackendConfigError(f"{option} {text!r} holds a {type(config).__name__}; give an object")
    return config


def _exit_with(message: str) -> NoReturn:
    _logger.error("=== %s ===", message)
    sys.exit(1)
