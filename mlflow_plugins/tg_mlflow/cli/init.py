"""The command ``tg-mlflow init``."""

import shlex
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


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--from-script", "script", metavar="FILE", type=click.Path(path_type=Path), help="The script to train.")
@click.option("--data", metavar="FILE", type=click.Path(path_type=Path), help="A table to learn from: CSV or parquet.")
@click.option("--target", metavar="COLUMN", help="The column of the table to predict.")
@click.option("--force", is_flag=True, help="Replaces files that exist.")
def init(folder: Path, script: Path | None, data: Path | None, target: str | None, force: bool) -> None:
    """Writes a project for a script, for a table, or an example.

    FOLDER is the project's, by default this one. A script is only read, never run. Without --from-script and --data,
    the folder has to be empty, and gets a small example.
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
    if target is not None and data is None:
        raise ProjectError(f"--target {target!r} is a column of a table; give the table with --data, too")
    if script is not None:
        return scaffolding.guess_script_project(folder, script)
    if data is not None:
        return scaffolding.guess_table_project(folder, data, target)
    _check_empty(folder)
    return scaffolding.make_example_project(folder)


def _check_empty(folder: Path) -> None:
    """Raises ProjectError if the folder has something that a project is rather wanted for than an example."""
    scripts = sorted(each.name for each in folder.glob("*.py"))
    tables = sorted(each.name for pattern in _TABLES for each in folder.glob(pattern))
    if scripts or tables:
        advice = f"--from-script {scripts[0]}" if scripts else f"--data {tables[0]} --target COLUMN"
        raise ProjectError(f"{str(folder.resolve())!r} has {listed([*scripts, *tables], most=5)}; give {advice}")
