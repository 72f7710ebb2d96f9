"""The command ``tg-mlflow run``."""

import click

from tg_mlflow.cli.project_options import parse_parameters, project_options, split_words
from tg_mlflow.console.verbosity import say_start


@click.command()
@click.argument("words", metavar="[URI] [NAME=VALUE]...", nargs=-1)
@project_options
@click.option("--detach", is_flag=True, help="Return when the job is submitted; `tg-mlflow attach` records it later.")
@click.option("--dry-run", is_flag=True, help="Only show what would be trained, and what it costs.")
def run(
    words: tuple[str, ...],
    backend: str,
    backend_config: str | None,
    entry_point: str,
    version: str | None,
    experiment_name: str | None,
    run_name: str | None,
    detach: bool,
    dry_run: bool,
) -> None:
    """Trains a project and records it: `mlflow run` with less to type.

    \b
    Examples:
      tg-mlflow run
      tg-mlflow run . C=0.5 max_iter=200 -b tg-local

    URI is a project's folder or git repository; by default the current folder. Each NAME is a parameter of the entry
    point. Without -b, it trains in a child process on this machine.
    """
    uri, given = split_words(words)
    say_start(uri, backend)
    from tg_mlflow.backend.project_backend import run_project
    from tg_mlflow.backend.run_request import RunRequest
    from tg_mlflow.cli.support import exiting_on_errors, read_config, set_experiment
    from tg_mlflow.places.registry import find_place

    with exiting_on_errors():
        place, params = find_place(backend), parse_parameters(given, "the parameter")
        config = read_config(backend_config)
        config.update({"detach": True} if detach else {})
        config.update({"dry_run": True} if dry_run else {})
        experiment_id = set_experiment(experiment_name)
        request = RunRequest.of_command(uri, entry_point, params, version, config, experiment_id, run_name)
        run_project(place.name, request)
