"""What the commands that train a project have in common: their options, and how these are read."""

import os
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import click

from tg_mlflow.console.verbosity import VARIABLE, Verbosity
from tg_mlflow.errors import BackendConfigError

if TYPE_CHECKING:
    from tg_mlflow.reproduction.planned_training import WantedTraining
    from tg_mlflow.tracking.client import TrackingClient

_Command = Callable[..., Any]


def project_options(command: _Command) -> _Command:
    """Adds the options of a command that trains a project."""
    options = [
        click.option(
            "--backend", "-b", default="tg-process", show_default=True, help=f"Where to train: {_list_places()}."
        ),
        click.option(
            "--backend-config", "-c", metavar="FILE|JSON", help="Its keys override tg.json's; options override both."
        ),
        click.option("--entry-point", "-e", default="main", show_default=True, help="The entry point to train."),
        click.option("--version", "-v", help="A commit or branch of a git project."),
        click.option("--experiment-name", help="Where to create the runs."),
        click.option("--run-name", help="The name of the run."),
        *_VERBOSITY_OPTIONS,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def rerun_options(command: _Command) -> _Command:
    """Adds the argument RUN_ID and the options of a command that trains a run again."""
    options = [
        click.argument("run_id"),
        click.option(
            "--backend",
            "-b",
            "place",
            metavar="PLACE",
            help="Where to train, such as tg-local; by default the run's place.",
        ),
        click.option(
            "--backend-config",
            "-c",
            metavar="FILE|JSON",
            help="Keys that override the run's: a .json file or JSON text.",
        ),
        click.option(
            "--param-list",
            "-P",
            "params",
            metavar="NAME=VALUE",
            multiple=True,
            help="A part of the task to set, as in the key hyperparameters; a script gets it as --NAME VALUE.",
        ),
        click.option("--changed-data", is_flag=True, help="Train on a dataset that is not the run's."),
        click.option("--experiment-name", help="Where to create the run; by default in the experiment of RUN_ID."),
        click.option("--run-name", help="The new run's name."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read_wanted(
    client: "TrackingClient",
    run_id: str,
    place: str | None,
    backend_config: str | None,
    params: tuple[str, ...],
    changed_data: bool,
    experiment_name: str | None,
    run_name: str | None,
) -> "WantedTraining":
    """Reads what :func:`rerun_options` were given.

    Raises:
        TgError: If an option is invalid, or there is no such run.
    """
    from tg_mlflow.cli.support import read_config, set_experiment
    from tg_mlflow.listing.run_choice import find_run_id
    from tg_mlflow.reproduction.planned_training import WantedTraining

    return WantedTraining(
        hyperparameters=parse_parameters(params, "--param-list"),
        run_id=find_run_id(client, run_id),
        place=place,
        config=read_config(backend_config),
        allows_changed_data=changed_data,
        experiment_id=None if experiment_name is None else set_experiment(experiment_name),
        run_name=run_name,
    )


def verbosity_options(command: _Command) -> _Command:
    """Adds the options --quiet and --verbose, which set ``TG_VERBOSITY``."""
    for option in reversed(_VERBOSITY_OPTIONS):
        command = option(command)
    return command


def split_words(words: Sequence[str]) -> tuple[str, list[str]]:
    """Splits a command's words into the project's URI, by default the current folder, and those with an equals sign."""
    if words and "=" not in words[0]:
        return words[0], list(words[1:])
    return ".", list(words)


def parse_parameters(words: Sequence[str], source: str) -> dict[str, str]:
    """Parses words of the form NAME=VALUE; ``source`` is what an error calls them.

    Raises:
        BackendConfigError: If one has another form, or a name is given twice.
    """
    params: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise BackendConfigError(f"{source} {word!r} is not of the form NAME=VALUE")
        if name in params:
            raise BackendConfigError(f"{source} {name!r} is given twice; give it once")
        params[name] = value
    return params


def _list_places() -> str:
    # Not by the registry: it would import the places.
    return ", ".join(sorted(entry_points(group="tg_mlflow.places").names))


def _set_verbosity(verbosity: Verbosity) -> Callable[[click.Context, click.Parameter, bool], None]:
    def set_variable(context: click.Context, parameter: click.Parameter, is_given: bool) -> None:
        if is_given:
            os.environ[VARIABLE] = verbosity.value

    return set_variable


_VERBOSITY_OPTIONS = [
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        expose_value=False,
        callback=_set_verbosity(Verbosity.QUIET),
        help="Show nothing of the training's output.",
    ),
    click.option(
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_set_verbosity(Verbosity.VERBOSE),
        help="Show the whole log, with the lines of the job about itself.",
    ),
]
