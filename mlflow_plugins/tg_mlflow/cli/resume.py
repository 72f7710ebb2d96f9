"""The command ``tg-mlflow resume``."""

from typing import Any

import click

from tg_mlflow.cli.project_options import read_wanted, rerun_options
from tg_mlflow.cli.support import exit_with, exiting_on_errors


@click.command()
@rerun_options
def resume(**given: Any) -> None:
    """Goes on with a training that has ended early, from its last checkpoint.

    \b
    Example: tg-mlflow resume RUN_ID --backend tg-sagemaker

    The run's own package is trained, with its configuration and parameters, in a new run, at the run's place or another
    one. Its job begins with the checkpoints of RUN_ID, and the new run has what that had recorded until the last one.
    The project is not needed; to go on with changed code, run the project with the key resume_from.
    """
    from tg_mlflow.reproduction.resumption import resume as go_on
    from tg_mlflow.takeover.crashes import settle_crashes
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors():
        client = TrackingClient(patience_seconds=0)
        wanted = read_wanted(client, **given)
        settle_crashes(client)
        _, end = go_on(client, wanted)
        if end.failure is not None:
            exit_with(end.failure.partition("\n")[0])
