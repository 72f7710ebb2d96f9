"""Finds the files around a project that its scripts read, such as ``../data/points.csv``."""

import glob
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ....errors import PackagingError
from .project_ignore import ProjectIgnore

_ABOVE = "../"
_SCRIPTS = (".py", ".sh", ".R")
# A path that leads out of a folder, in quotes.
_NAMED = re.compile(r"""["']((?:\.\./)+[^"'\n*?\[\]{}]{1,200})["']""")
_LONGEST_SCRIPT = 1 << 20


def leads_above(name: str) -> bool:
    """Returns whether a path or a pattern leads out of the folder that it is relative to."""
    return name.startswith(_ABOVE)


def find_patterned(folder: Path, patterns: Sequence[str]) -> dict[PurePosixPath, Path]:
    """Finds the files that patterns such as ``../data/*.csv`` match.

    Args:
        folder: The project's folder, to which they are relative.
        patterns: With ``*``, ``**`` and ``?`` as for :mod:`glob`; a folder stands for all files in it.

    Returns:
        The files by their paths, relative to the project.

    Raises:
        PackagingError: If one matches nothing, or a secret.
    """
    found: dict[PurePosixPath, Path] = {}
    ignore = ProjectIgnore(folder)
    for pattern in patterns:
        entries = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
        files = [file for entry in entries for file in list_files(folder / entry)]
        if not files:
            raise PackagingError(
                f"the data pattern {pattern!r} matches no file around {str(folder)!r}; correct or remove it"
            )
        for file in files:
            path = _relate(folder, file)
            if ignore.is_secret(PurePosixPath(path.name)):
                raise PackagingError(
                    f"data file {str(path)!r} looks like a secret, and packages hold none; change {pattern!r}, and "
                    "pass secrets through the environment"
                )
            found[path] = file
    return found


def find_named(folder: Path, files: Mapping[PurePosixPath, Path]) -> dict[PurePosixPath, Path]:
    """Finds the files around a project that its scripts name in quotes, relative to the project.

    Args:
        folder: The project's folder.
        files: The project's files by their paths.

    Returns:
        The files that exist and look like no secrets, by their paths relative to the project.
    """
    found: dict[PurePosixPath, Path] = {}
    ignore = ProjectIgnore(folder)
    for path, file in files.items():
        if path.suffix not in _SCRIPTS or not file.is_file() or file.stat().st_size > _LONGEST_SCRIPT:
            continue
        for named in _NAMED.findall(file.read_text(encoding="utf-8", errors="replace")):
            target = Path(os.path.normpath(folder / named))
            is_outside = not target.is_relative_to(folder)
            if is_outside and target.is_file() and not ignore.is_secret(PurePosixPath(target.name)):
                found[_relate(folder, target)] = target
    return found


def lay_out(folder: Path, files: Mapping[PurePosixPath, Path]) -> tuple[Path, PurePosixPath, dict[PurePosixPath, Path]]:
    """Places a project's files and those around it as they lie here.

    Args:
        folder: The project's folder.
        files: The files by their paths, relative to the project.

    Returns:
        The folder that holds all, where the project lies in it, and the files by their paths in it.
    """
    depth = max((sum(part == ".." for part in path.parts) for path in files), default=0)
    root = folder if depth == 0 else folder.parents[depth - 1]
    place = PurePosixPath(folder.relative_to(root).as_posix())
    return root, place, {PurePosixPath(os.path.normpath(place / path)): file for path, file in files.items()}


def list_files(path: Path) -> list[Path]:
    """Lists a file, or all files in a folder."""
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


def _relate(folder: Path, file: Path) -> PurePosixPath:
    return PurePosixPath(os.path.relpath(file, folder))
