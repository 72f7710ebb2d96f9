"""The command ``tg-mlflow sweep``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tg_mlflow.cli.project_options import parse_parameters, project_options, split_words
from tg_mlflow.console.verbosity import say_start
from tg_mlflow.errors import BackendConfigError

if TYPE_CHECKING:
    from tg_mlflow.places.place import Place
    from tg_mlflow.sweeps.member import SweepMember

_OWN_KEYS = {
    "samples": "sweep_samples",
    "seed": "sweep_seed",
    "max_parallel": "max_parallel",
    "metric": "primary_metric",
    "mode": "mode",
}


@click.command()
@click.argument("words", metavar="[URI] NAME=VALUE,VALUE...", nargs=-1)
@project_options
@click.option("--param", "-P", "params", metavar="NAME=VALUE", multiple=True, help="A parameter that does not vary.")
@click.option("--samples", type=int, help="Train only this many combinations, chosen at random.")
@click.option("--seed", type=int, help="The seed of that choice.")
@click.option("--max-parallel", type=int, help="How many are trained at once.")
@click.option("--metric", help="The metric that determines the best training.")
@click.option("--mode", type=click.Choice(["max", "min"]), help="Whether a higher or a lower value is better.")
@click.option("--stop-on-failure", is_flag=True, help="The first training that fails stops the others.")
@click.option("--dry-run", is_flag=True, help="Only list the trainings, and what they cost.")
def sweep(
    words: tuple[str, ...],
    backend: str,
    backend_config: str | None,
    entry_point: str,
    version: str | None,
    experiment_name: str | None,
    run_name: str | None,
    params: tuple[str, ...],
    stop_on_failure: bool,
    dry_run: bool,
    **own: Any,
) -> None:
    """Trains each combination of values.

    One run has all trainings as its children and compares them.

    \b
    Examples:
      tg-mlflow sweep C=0.1,1,10 --metric roc_auc_score_test
      tg-mlflow sweep . -b tg-local network_size=[10],[10,5] optimizer=adam,sgd -P max_iter=500

    URI is a project's folder or git repository; by default the current folder. A NAME is a parameter of the entry point
    or, with a dot, a part of the task. Commas separate values, except in brackets or double quotes; a value is a
    number, true, false, null or a list if it is JSON, and a string otherwise.

    If the launcher dies, `tg-mlflow attach` with the id of the sweep's run resumes it.
    """
    uri, grid = split_words(words)
    say_start(uri, backend)
    from tg_mlflow.backend.project_backend import run_project
    from tg_mlflow.backend.run_request import RunRequest
    from tg_mlflow.cli.support import exiting_on_errors, read_config, set_experiment
    from tg_mlflow.places.registry import find_place
    from tg_mlflow.sweeps.grid import parse_grid

    with exiting_on_errors():
        place = find_place(backend)
        given = read_config(backend_config)
        given.update({key: own[name] for name, key in _OWN_KEYS.items() if own[name] is not None})
        given.update({"stop_on_failure": True} if stop_on_failure else {})
        given["sweep"] = {**_read_grid(given), **parse_grid(grid)}
        if not given["sweep"]:
            raise BackendConfigError("nothing varies; give values, such as learning_rate=0.1,1")
        fixed = parse_parameters(params, "--param")
        if dry_run:
            click.echo("\n".join(_describe_plan(place, uri, version, entry_point, fixed, given)))
            return
        experiment_id = set_experiment(experiment_name)
        request = RunRequest.of_command(uri, entry_point, fixed, version, given, experiment_id, run_name)
        run_project(place.name, request)


def _describe_plan(
    place: "Place",
    uri: str,
    version: str | None,
    entry_point: str,
    params: dict[str, str],
    given: dict[str, object],
) -> Iterator[str]:
    from tg_mlflow.cost.costs import Costs
    from tg_mlflow.places.loading import load_config
    from tg_mlflow.project.project import fetch_project
    from tg_mlflow.sweeps.plan import plan_sweep

    project = fetch_project(uri, version)
    config = load_config(place.config_model, project.folder, given)
    costs = Costs(place, config)
    costs.check()
    members = plan_sweep(project, entry_point, params, config)
    yield from (_describe(each) for each in members)
    yield f"{len(members)} trainings"
    if (text := costs.describe(len(members))) is not None:
        yield text


def _read_grid(given: dict[str, object]) -> dict[str, object]:
    grid = given.get("sweep", {})
    if not isinstance(grid, dict):
        raise BackendConfigError(f"sweep is {grid!r}; give an object with a list of values for each parameter")
    return grid


def _describe(member: "SweepMember") -> str:
    return f"{member.name}  {' '.join(f'{name}={value}' for name, value in member.combination.items())}"
