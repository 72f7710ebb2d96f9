"""The command ``tg-mlflow train``."""

from pathlib import Path

import click
import mlflow
from mlflow.environment_variables import MLFLOW_RUN_ID

from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.cli.support import exit_with, exiting_on_errors, read_config, set_experiment
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.project_training import ProjectTraining
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.places.attached import AttachedConfig, AttachedPlace
from tg_mlflow.places.loading import load_config
from tg_mlflow.project.project import read_project
from tg_mlflow.project.train_command import parse_train_words
from tg_mlflow.takeover.crashes import settle_crashes
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_run
from tg_mlflow.training.given_run import check_takes_training
from tg_mlflow.training.training import Training, train_recorded


@click.command()
@click.argument("target", metavar="MODULE:FACTORY")
@click.argument("assignments", metavar="[NAME=VALUE]...", nargs=-1)
@click.option(
    "--backend-config",
    "--config",
    "config",
    metavar="FILE|JSON",
    help="A .json file or JSON text. Its keys override tg.json's.",
)
@click.option(
    "--project",
    "folder",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder with the MLproject, the factory's module and tg.json.",
)
@click.option("--experiment-name", help="Where to create the run, outside of `mlflow run`.")
@click.option("--run-name", help="The new run's name.")
def train(
    target: str,
    assignments: tuple[str, ...],
    config: str | None,
    folder: Path,
    experiment_name: str | None,
    run_name: str | None,
) -> None:
    """Trains the task that FACTORY returns, in this process.

    \b
    Example: tg-mlflow train tasks:build_task max_iter=1000 C=0.5

    Values are converted by the factory's annotations. Inside `mlflow run`, the training is recorded in that run;
    otherwise a run is created.
    """
    with exiting_on_errors(), terminating_as_interrupt():
        command = parse_train_words(target, assignments)
        project = read_project(folder)
        settings = load_config(AttachedConfig, project.folder, read_config(config))
        Costs(AttachedPlace(), settings).check()
        client = TrackingClient(mlflow.get_tracking_uri(), find_secrets({}, project, command, settings))
        settle_crashes(client, besides=MLFLOW_RUN_ID.get())
        run_id, params = MLFLOW_RUN_ID.get(), {}
        if run_id is None:
            run_id = create_run(
                client, set_experiment(experiment_name), project, target, AttachedConfig.place, run_name
            )
            params = dict(command.arguments)  # otherwise the run's creator has logged them
        else:
            check_takes_training(client, run_id)
        source, place = ProjectTraining(project, command), AttachedPlace()
        executor = place.open(place.build_options(settings, project.folder))
        with announcing_interrupt(client, run_id):
            end = train_recorded(client, run_id, params, Training(source, settings, executor))
        announce_end(client, run_id, end)
    if end.failure is not None:
        exit_with(end.failure.partition("\n")[0])  # the log has been shown
