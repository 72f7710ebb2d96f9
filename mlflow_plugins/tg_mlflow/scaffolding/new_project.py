"""A project that is to be written: its files, and what was guessed."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tg.common.errors import listed
from tg_mlflow.errors import ProjectError

_MLPROJECT = "MLproject"


@dataclass(frozen=True)
class NewProject:
    """What makes a folder a project.

    Attributes:
        notes: What was guessed, and from what: pairs of a subject and a sentence.
        files: Texts by path in the folder.
        copies: Files and folders of this machine by the path in the folder that each is copied to.
        command: Trains the project, as it is or with the values that only the user knows.
    """

    notes: Sequence[tuple[str, str]]
    files: Mapping[str, str]
    copies: Mapping[str, Path] = field(default_factory=dict)
    command: str = "mlflow run . --backend tg-process"


def write_project(folder: Path, project: NewProject, force: bool = False) -> list[str]:
    """Writes a project's files.

    Args:
        folder: Where to; made if it is not there.
        project: The project.
        force: Whether files that exist are replaced.

    Returns:
        The paths in the folder, in the order of writing.

    Raises:
        ProjectError: If the folder is none, or a file exists and is not to be replaced; nothing is written then.
    """
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{str(folder)!r} is a file; give the folder that is to be the project")
    paths = [*project.copies, *project.files]
    existing = [each for name in paths for each in _find_existing(folder, name)]
    if existing and not force:
        verb = "exists" if len(existing) == 1 else "exist"
        raise ProjectError(
            f"{listed(existing)} {verb} in {str(folder.resolve())!r} already, so "
            "nothing is written; move it away, or replace it with --force"
        )
    for name, source in project.copies.items():
        _copy(source, folder / name)
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return paths


def name_project(folder: Path) -> str:
    """Returns a project's name, of its folder's: the data lie in a folder of this name, too."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", folder.resolve().name).strip("_-") or "project"


def _find_existing(folder: Path, name: str) -> list[str]:
    """Finds what a file would replace; MLflow finds an MLproject whatever its case."""
    if name == _MLPROJECT and folder.is_dir():
        return sorted(each.name for each in folder.iterdir() if each.name.lower() == name.lower())
    path = folder / name
    return [name] if path.exists() or path.is_symlink() else []


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)
