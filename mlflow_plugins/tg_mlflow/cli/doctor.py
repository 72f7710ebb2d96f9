"""The command ``tg-mlflow doctor``."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tg_mlflow.cli.support import exiting_on_errors, read_config

if TYPE_CHECKING:
    from tg_mlflow.diagnosis import Check, Examined
    from tg_mlflow.places import Place

_PROBLEM, _ERROR = 1, 2


@click.command()
@click.option("--backend", "-b", metavar="PLACE", help="The place to check, such as tg-local; by default all.")
@click.option(
    "--backend-config", "-c", metavar="FILE|JSON", help="With --backend: its keys, besides those in tg.json here."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")
def doctor(backend: str | None, backend_config: str | None, as_json: bool) -> None:
    """Checks what trainings need, here and at their places.

    Each thing is ok, a warning or a problem, with the command or the setting that mends it, or was skipped, with the
    reason. Nothing is changed, and nothing waits for long. Without --backend, a place that is not set up on this
    machine is a warning. Use it in the folder of a project, whose tg.json may say which role, bucket or image is meant.

    Exit code: 0 if there is no problem, 1 if there is one, 2 if nothing could be checked.
    """
    from tg.common.delivery.sagemaker.executor.job_patience import asking_once
    from tg.common.secrets import SecretMask
    from tg_mlflow.console.colours import colour_outcomes
    from tg_mlflow.diagnosis.report import format_json, format_lines, has_problem

    if backend_config is not None and backend is None:
        raise click.UsageError("--backend-config is for one place; give --backend, too")
    examined: list[Examined] = []

    def note(found: "Iterator[Examined]") -> "Iterator[Examined]":
        for each in found:
            examined.append(each)
            yield each

    with exiting_on_errors(_ERROR), asking_once():
        findings = note(_examine_all(backend, read_config(backend_config)))
        mask = SecretMask.of_variables(os.environ)
        if as_json:
            click.echo(format_json(list(findings), mask))
        else:
            for line in format_lines(findings, mask):
                click.echo(colour_outcomes(line, sys.stdout))
    if has_problem(examined):
        sys.exit(_PROBLEM)


def _examine_all(backend: str | None, given: dict[str, Any]) -> "Iterator[Examined]":
    from tg_mlflow.diagnosis import examine, list_machine_checks, list_store_checks
    from tg_mlflow.places import find_place, list_places

    places = list(list_places().values()) if backend is None else [find_place(backend)]
    yield from examine("this machine", list_machine_checks())
    yield from examine("MLflow", list_store_checks())
    for place in places:
        yield from examine(place.name, _list_checks(place, given), is_asked_for=backend is not None)


def _list_checks(place: "Place", given: dict[str, Any]) -> "Iterator[Check]":
    """Lists a place's checks, or one that says why its configuration cannot be used."""
    from tg.common import TgError
    from tg_mlflow.diagnosis import Check, Finding
    from tg_mlflow.places import load_config

    folder = Path.cwd()
    try:
        yield from place.list_checks(load_config(place.config_model, folder, given), folder)
    except TgError as error:
        found = Finding.of_error(error)
        yield Check("configuration", lambda: found)
