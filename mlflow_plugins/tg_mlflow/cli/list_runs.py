"""The command ``tg-mlflow list``."""

import os
import sys
import time
from contextlib import nullcontext, suppress

import click

from tg_mlflow.cli.support import asking

_STATES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_MOST = 20
_PAUSE_SECONDS = 5


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
@click.option("--watch", "-w", "is_watching", is_flag=True, help="Show the table again and again, until Ctrl-C.")
def list_command(
    states: tuple[str, ...], experiment_name: str | None, most: int, as_json: bool, is_watching: bool
) -> None:
    """Lists the runs of tg-mlflow, the newest first.

    Each is a line: the beginning of its id, which other commands take for it, its state, name and place, how long ago
    it began, how long it took, its progress and its headline metric. A sweep is one line with its numbers of trainings.
    """
    from tg.common.secrets import SecretMask
    from tg_mlflow.console.colours import colour_states
    from tg_mlflow.listing.run_list import list_runs
    from tg_mlflow.listing.run_table import format_json, format_table
    from tg_mlflow.tracking.client import TrackingClient

    if as_json and is_watching:
        raise click.UsageError("--json and --watch do not go together; leave one out")
    mask = SecretMask.of_variables(os.environ)
    with asking(), suppress(KeyboardInterrupt) if is_watching else nullcontext():
        client = TrackingClient(patience_seconds=0)
        while True:
            listed = list_runs(client, states, experiment_name, most)
            if as_json:
                click.echo(format_json(listed, mask))
                return
            if is_watching:
                click.clear()  # on a terminal
            click.echo(colour_states("\n".join(format_table(listed, time.time() * 1000, mask)), sys.stdout))
            if not is_watching:
                return
            time.sleep(_PAUSE_SECONDS)
