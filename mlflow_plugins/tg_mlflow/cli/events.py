"""The command ``tg-mlflow events``."""

import json
from datetime import datetime, timezone

import click
from mlflow.environment_variables import MLFLOW_RUN_ID

from tg_mlflow.cli.support import asking


@click.command()
@click.argument("run_id", envvar=MLFLOW_RUN_ID.name)
@click.option("--json", "is_json", is_flag=True, help="As JSON, an object a line: time, state and cause.")
def events(run_id: str, is_json: bool) -> None:
    """Shows each change of a run's state.

    With its time (UTC) and its cause, from the run's creation to its end, as the run itself keeps them. Its job and its
    launcher need not be there any more, and the run may have been deleted.
    """
    from tg_mlflow.listing.run_choice import find_run_id
    from tg_mlflow.tracking.client import TrackingClient
    from tg_mlflow.tracking.events import read_events
    from tg_mlflow.tracking.search import read_run

    with asking():
        client = TrackingClient(patience_seconds=0)
        timeline = read_events(read_run(client, find_run_id(client, run_id), allows_deleted=True))
    width = max(len(event.state) for event in timeline)
    for event in timeline:
        moment = datetime.fromtimestamp(event.time_ms / 1000, timezone.utc).isoformat(" ", "milliseconds")
        if is_json:
            click.echo(json.dumps({"time": moment.replace(" ", "T"), "state": event.state, "cause": event.cause}))
        else:
            click.echo(f"{moment.partition('+')[0]}  {event.state:<{width}}  {event.cause}".rstrip())
