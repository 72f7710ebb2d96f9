"""The command ``tg-mlflow reproduce``."""

import sys
from typing import Any

import click

from tg_mlflow.cli.project_options import read_wanted, rerun_options
from tg_mlflow.cli.support import exiting_on_errors

_IDENTICAL, _DIFFERENT, _ERROR = 0, 1, 2


@click.command()
@rerun_options
def reproduce(**given: Any) -> None:
    """Trains a run again from what it remembers, and compares both.

    \b
    Example: tg-mlflow reproduce RUN_ID --backend tg-local

    The run's own package is trained, with its configuration and parameters, on the dataset with the same digest, in a
    new run. The project is not needed. Every point of every metric, the predictions and the environment are compared;
    the verdict is shown, and is in the new run as the tag tg.verdict and the artifact reproduction.json.

    The exit code is 0 if the results are identical to the last digit, 1 if they differ, and 2 if there are none to
    compare.
    """
    from tg_mlflow.reproduction.reproduction import reproduce as train_again
    from tg_mlflow.takeover.crashes import settle_crashes
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors(_ERROR):
        client = TrackingClient(patience_seconds=0)
        wanted = read_wanted(client, **given)
        settle_crashes(client)
        verdict = train_again(client, wanted)
        click.echo(verdict.format_text())
    sys.exit(_IDENTICAL if verdict.is_identical else _DIFFERENT if verdict.outcomes else _ERROR)
