"""The command ``tg-mlflow list``."""

import click

from tg_mlflow.cli.support import exiting_on_errors

_STATES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_MOST = 20


@click.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES, case_sensitive=False),
    help="Only runs in this state; may be given several times.",
)
@click.option("--experiment-name", help="Only runs of this experiment; by default of all.")
@click.option("-n", "most", type=click.IntRange(min=1), default=_MOST, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def list_command(states: tuple[str, ...], experiment_name: str | None, most: int, as_json: bool) -> None:
    """Lists the runs of tg-mlflow, the newest first.

    Each is a line: the beginning of its id, which other commands take for it, its state, name and place, how long ago
    it began, how long it took, its progress and its headline metric. A sweep is one line with its numbers of trainings.
    """
    import os
    import time

    from tg.common.secrets import SecretMask
    from tg_mlflow.listing.run_list import list_runs
    from tg_mlflow.listing.run_table import format_json, format_table
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors():
        listed = list_runs(TrackingClient(patience_seconds=0), states, experiment_name, most)
    mask = SecretMask.of_variables(os.environ)
    if as_json:
        click.echo(format_json(listed, mask))
    else:
        for line in format_table(listed, time.time() * 1000, mask):
            click.echo(line)
