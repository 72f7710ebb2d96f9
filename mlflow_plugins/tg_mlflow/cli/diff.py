"""The command ``tg-mlflow diff``."""

import sys

import click

from tg_mlflow.cli.support import exiting_on_errors

_IDENTICAL, _DIFFERENT, _ERROR = 0, 1, 2


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Names all in which two runs differ.

    Compares what the trainings were made of (source, data, parameters, configuration, place, Python, libraries,
    machine, threads, seed), and what came of them (each point of each metric, predictions, status). Measurements of
    the job itself (tg.…, system/…) and child runs are not compared.

    The exit code is 0 if the runs are identical, 1 if they differ, or if one of them has not recorded something, and 2
    if they cannot be compared.
    """
    from tg.common.system.temporary_folder import temporary_folder
    from tg_mlflow.comparison import compare, format_json, format_text, read_record
    from tg_mlflow.tracking.client import TrackingClient

    with exiting_on_errors(_ERROR), temporary_folder() as folder:
        client = TrackingClient(patience_seconds=0)
        before, after = (read_record(client, run_id, folder) for run_id in (first, second))
        comparison = compare(before, after)
        text = (format_json if as_json else format_text)(before, after, comparison)
        click.echo(text)
    sys.exit(_IDENTICAL if comparison.is_identical else _DIFFERENT)
