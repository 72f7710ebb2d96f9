"""The command ``tg-mlflow init``."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tg.common import TgError
from tg.common.errors import listed
from tg_mlflow import scaffolding
from tg_mlflow.errors import ProjectError, describe_failure

if TYPE_CHECKING:
    from tg_mlflow.scaffolding import NewProject

_TABLES = ("*.csv", "*.tsv", "*.parquet")
# Scripts that belong to a project's tools.
_NO_TRAINING = r"setup\.py|conftest\.py|noxfile\.py|test_.*\.py|.*_test\.py|__init__\.py"


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--from-script", "script", metavar="FILE", type=click.Path(path_type=Path), help="The script to train.")
@click.option("--data", metavar="FILE", type=click.Path(path_type=Path), help="A table to learn from: CSV or parquet.")
@click.option("--target", metavar="COLUMN", help="The column of the table to predict.")
@click.option("--force", is_flag=True, help="Replaces files that exist.")
def init(folder: Path, script: Path | None, data: Path | None, target: str | None, force: bool) -> None:
    """Writes a project for a script, for a table, or an example.

    FOLDER is the project's, by default this one. A script is only read, never run. Without --from-script and --data,
    the only script of the folder is taken, or else its only table; an empty folder gets a small example.
    """
    try:
        project = _guess(folder, script, data, target)
        written = scaffolding.write_project(folder, project, force)
    except (TgError, OSError) as error:
        raise click.ClickException(describe_failure(error)) from error
    width = max(len(subject) for subject, _ in project.notes)
    for subject, text in project.notes:
        click.echo(f"{subject:<{width}}  {text}")
    click.echo(f"\nWritten: {', '.join(written)}")
    inside = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    click.echo(f"Now: {inside}{project.command}")


def _guess(folder: Path, script: Path | None, data: Path | None, target: str | None) -> "NewProject":
    if script is not None and data is not None:
        raise ProjectError("--from-script and --data are two kinds of projects; give one of them")
    chosen: list[tuple[str, str]] = []
    if script is None and data is None:
        script, data = _find_only(folder, target)
        chosen += [("script", f"{script.name}, the only one here")] if script is not None else []
    if target is not None and data is None:
        raise ProjectError(f"--target {target!r} is a column of a table; give the table with --data, too")
    if script is not None:
        project = scaffolding.guess_script_project(folder, script)
    elif data is not None:
        project = scaffolding.guess_table_project(folder, data, target)
    else:
        project = scaffolding.make_example_project(folder)
    return replace(project, notes=[*chosen, *project.notes])


def _find_only(folder: Path, target: str | None) -> tuple[Path | None, Path | None]:
    """Finds the script or the table that the folder leaves no doubt about.

    Returns:
        The script and the table, of which at most one is not ``None``.

    Raises:
        ProjectError: If there are several, so that a project is rather wanted for one of them than an example.
    """
    scripts = sorted(each.name for each in folder.glob("*.py"))
    trainings = [name for name in scripts if not re.fullmatch(_NO_TRAINING, name)]
    tables = sorted(each.name for pattern in _TABLES for each in folder.glob(pattern))
    if len(trainings) == 1 and target is None:
        return folder / trainings[0], None
    if len(tables) == 1 and (target is not None or not trainings):
        return None, folder / tables[0]
    wanted = tables if target is not None else [*scripts, *tables]
    if wanted:
        is_script = bool(scripts) and target is None
        advice = f"--from-script {(trainings or scripts)[0]}" if is_script else f"--data {tables[0]} --target COLUMN"
        raise ProjectError(f"{str(folder.resolve())!r} has {listed(wanted, most=5)}; give {advice}")
    return None, None
