"""The command ``tg-mlflow reproduce``."""

import sys

import click

from tg_mlflow.cli.support import exiting_on_errors, read_config, read_params, set_experiment

_IDENTICAL, _DIFFERENT, _ERROR = 0, 1, 2


@click.command()
@click.argument("run_id")
@click.option("--backend", "-b", metavar="PLACE", help="Where to train, such as tg-local; by default the run's place.")
@click.option(
    "--backend-config", "-c", metavar="FILE|JSON", help="Keys that override the run's: a .json file or JSON text."
)
@click.option(
    "--param-list",
    "-P",
    "params",
    metavar="NAME=VALUE",
    multiple=True,
    help="A part of the task to set, as in the key hyperparameters; a script gets it as --NAME VALUE.",
)
@click.option("--changed-data", is_flag=True, help="Train on a dataset that is not the run's.")
@click.option("--experiment-name", help="Where to create the run; by default in the experiment of RUN_ID.")
@click.option("--run-name", help="The new run's name.")
def reproduce(
    run_id: str,
    backend: str | None,
    backend_config: str | None,
    params: tuple[str, ...],
    changed_data: bool,
    experiment_name: str | None,
    run_name: str | None,
) -> None:
    """Trains a run again from what it remembers, and compares both.

    \b
    Example: tg-mlflow reproduce RUN_ID --backend tg-local

    The run's own package is trained, with its configuration and parameters, on the dataset with the same digest, in a
    new run. The project is not needed. Every point of every metric, the predictions and the environment are compared;
    the verdict is shown, and is in the new run as the tag tg.verdict and the artifact reproduction.json.

    The exit code is 0 if the results are identical to the last digit, 1 if they differ, and 2 if there are none to
    compare.
    """
    from tg_mlflow.listing.run_choice import find_run_id
    from tg_mlflow.reproduction.planned_training import WantedTraining
    from tg_mlflow.reproduction.reproduction import reproduce as train_again
    from tg_mlflow.takeover.crashes import settle_crashes
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors(_ERROR):
        client = TrackingClient(patience_seconds=0)
        run_id = find_run_id(client, run_id)
        settle_crashes(client)
        wanted = WantedTraining(
            run_id=run_id,
            place=backend,
            config=read_config(backend_config),
            hyperparameters=read_params(params),
            allows_changed_data=changed_data,
            experiment_id=None if experiment_name is None else set_experiment(experiment_name),
            run_name=run_name,
        )
        verdict = train_again(client, wanted)
        click.echo(verdict.format_text())
    sys.exit(_IDENTICAL if verdict.is_identical else _DIFFERENT if verdict.outcomes else _ERROR)
