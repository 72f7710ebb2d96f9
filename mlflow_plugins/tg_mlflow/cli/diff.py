"""The command ``tg-mlflow diff``."""

import sys
import traceback

import click

from tg_mlflow.cli.support import exiting_on_errors

_DIFFERENT, _ERROR = 1, 2


@click.command()
@click.argument("first", metavar="RUN_A")
@click.argument("second", metavar="RUN_B")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Names all in which two runs differ.

    It compares what the trainings were made of (source, data, parameters, configuration, place, Python, libraries,
    machine, threads, seed), and what came of them (each point of each metric, predictions, status). Measurements of the
    jobs (tg.…, system/…) and child runs are not compared.

    Exit code: 0 if the runs are identical, 1 if they differ or have not recorded something, 2 if they cannot be
    compared.
    """
    from tg.common.system.temporary_folder import temporary_folder
    from tg_mlflow.comparison import compare, format_json, format_text, read_record
    from tg_mlflow.listing.run_choice import find_run_id
    from tg_mlflow.takeover.status import find_run_secrets
    from tg_mlflow.tracking.client import TrackingClient

    try:
        with exiting_on_errors(_ERROR), temporary_folder() as folder:
            client = TrackingClient(patience_seconds=0)
            run_ids = [find_run_id(client, given) for given in (first, second)]
            before, after = (read_record(client, run_id, folder) for run_id in run_ids)
            comparison = compare(before, after)
            for record in (before, after):
                comparison = comparison.without_secrets(find_run_secrets(record.run))
            text = (format_json if as_json else format_text)(before, after, comparison)
    except Exception:  # noqa: BLE001 - Python would end with the code that says that runs differ
        traceback.print_exc()
        sys.exit(_ERROR)
    click.echo(text)
    if not comparison.is_identical:
        sys.exit(_DIFFERENT)
