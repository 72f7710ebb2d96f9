"""The command ``tg-mlflow resume``."""

import click

from tg_mlflow.cli.support import exit_with, exiting_on_errors, read_config, read_params, set_experiment


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
def resume(
    run_id: str,
    backend: str | None,
    backend_config: str | None,
    params: tuple[str, ...],
    changed_data: bool,
    experiment_name: str | None,
    run_name: str | None,
) -> None:
    """Goes on with a training that has ended early, from its last checkpoint.

    \b
    Example: tg-mlflow resume RUN_ID --backend tg-sagemaker

    The run's own package is trained, with its configuration and parameters, in a new run, at the run's place or another
    one. Its job begins with the checkpoints of RUN_ID, and the new run has what that had recorded until the last one.
    The project is not needed; to go on with changed code, run the project with the key resume_from.
    """
    from tg_mlflow.listing.run_choice import find_run_id
    from tg_mlflow.reproduction.planned_training import WantedTraining
    from tg_mlflow.reproduction.resumption import resume as go_on
    from tg_mlflow.takeover.crashes import settle_crashes
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors():
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
        new_id, end = go_on(client, wanted)
        if end.failure is not None:
            exit_with(f"run {new_id}: {end.failure.partition(chr(10))[0]}")
