"""The commands of ``tg-mlflow`` that show an existing run; they import nothing that records or trains."""

import sys

import click
from mlflow.environment_variables import MLFLOW_RUN_ID

from tg.common.delivery.sagemaker import LogEvent
from tg_mlflow.cli.run_access import connect
from tg_mlflow.cli.support import asking
from tg_mlflow.console.colours import colour_states
from tg_mlflow.listing.run_choice import find_run_id
from tg_mlflow.sweeps.runs import is_sweep
from tg_mlflow.takeover.crashes import settle_crashes
from tg_mlflow.takeover.status import describe_status, show_log
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import read_run


@click.command()
@click.argument("run_id", envvar=MLFLOW_RUN_ID.name)
def status(run_id: str) -> None:
    """Shows the status of a run and its job.

    Of a sweep, it shows each training.
    """
    with asking():
        client = TrackingClient(patience_seconds=0)
        run_id = find_run_id(client, run_id)
        settle_crashes(client)
        run = read_run(client, run_id)
        if is_sweep(run):
            from tg_mlflow.sweeps.control import describe_sweep_status  # it also stops sweeps, and records them

            text = describe_sweep_status(client, run)
        else:
            text = describe_status(client, run)
        click.echo(colour_states(text, sys.stdout))


@click.command()
@click.argument("run_id", envvar=MLFLOW_RUN_ID.name)
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
def logs(run_id: str, follow: bool) -> None:
    """Shows the output of a run's job.

    Once the job is no longer kept, it shows the run's log.
    """

    def show(event: LogEvent) -> None:
        click.echo(event.data, nl=False)  # raises if the output is closed, which ends the command

    with asking():
        client, run_id = connect(run_id)
        show_log(client, read_run(client, run_id), follow, show)
