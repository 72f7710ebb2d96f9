"""Finds the files that data patterns match, in a project and beside code that it imports from elsewhere."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ....errors import PackagingError
from .project_ignore import ProjectIgnore
from .project_module_files import find_package_folders
from .source_folders import name_in_package


def find_data_files(
    folder: Path,
    patterns: Sequence[str],
    files: Sequence[PurePosixPath],
    sources: Sequence[PurePosixPath],
    ignore: ProjectIgnore,
) -> dict[PurePosixPath, Path]:
    """Finds data files.

    Args:
        folder: The project's folder, resolved.
        patterns: See :func:`collect_project_files`.
        files: The project's files, relative to it.
        sources: Its source folders, relative to it.
        ignore: Its ignore rules.

    Returns:
        Files by their paths in a package, where they lie beside the same modules as here.

    Raises:
        PackagingError: If a pattern is invalid or matches nothing, or names a secret or a file whose name is not UTF-8.
    """
    data: dict[PurePosixPath, Path] = {}
    named = {str(path): name_in_package(path, sources) for path in files}
    for pattern in patterns:
        found = {} if pattern.startswith("../") else _find_inside(folder, pattern, named)
        found = found or _find_outside(folder, pattern) or _find_beside_module(pattern)
        if not found:
            raise PackagingError(
                f"the data pattern {pattern!r} matches no file in {str(folder)!r}; correct or remove it"
            )
        for file in found.values():
            shown = file.relative_to(folder) if file.is_relative_to(folder) else file
            if ignore.is_secret(PurePosixPath(str(shown).lstrip("/"))):
                raise PackagingError(
                    f"data file {str(shown)!r} looks like a secret, and packages hold none; change {pattern!r}, and "
                    "pass secrets through the environment"
                )
            if not _is_utf8(str(shown)):
                raise PackagingError(
                    f"data file {str(shown)!r} has a name that is not UTF-8; rename it, or change {pattern!r}"
                )
        data.update(found)
    return data


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_inside(folder: Path, pattern: str, named: Mapping[str, PurePosixPath]) -> dict[PurePosixPath, Path]:
    """Finds the files whose path in the project, or whose name in a package, matches.

    Args:
        folder: The project's.
        pattern: In the notation of ``.gitignore``.
        named: The names by the paths.
    """
    import pathspec  # only where packages are built

    try:
        wanted = pathspec.GitIgnoreSpec.from_lines([pattern])
    except ValueError as error:
        raise PackagingError(f"the data pattern {pattern!r} is not a pattern of .gitignore: {error}") from error
    return {
        name: folder / path
        for path, name in named.items()
        if wanted.match_file(path) or (str(name) != path and wanted.match_file(str(name)))
    }


def _find_outside(folder: Path, pattern: str) -> dict[PurePosixPath, Path]:
    if not pattern.startswith(("../", "/")):
        return {}
    parts = Path(os.path.normpath(folder / pattern)).parts
    # The pattern begins at the first part that is not a plain name.
    start = next((index for index, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
    found = _glob(Path(*parts[:start]), "/".join(parts[start:]))
    return {_name_beside_modules(file): file for file in found}


def _find_beside_module(pattern: str) -> dict[PurePosixPath, Path]:
    """Returns what ``lib/words.txt`` matches in a package ``lib`` that is importable, but not the project's."""
    top, _, rest = pattern.partition("/")
    if not rest or not top.isidentifier():
        return {}
    return {
        PurePosixPath(top, file.relative_to(place).as_posix()): file
        for place in find_package_folders(top)
        for file in _glob(place, rest)
    }


def _glob(folder: Path, pattern: str) -> Iterable[Path]:
    try:
        entries = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError):
        return []  # such as ** within a word
    files = [file for each in entries for file in ([each] if each.is_file() else sorted(each.rglob("*")))]
    return [file for file in files if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".py"]


def _name_beside_modules(file: Path) -> PurePosixPath:
    places = {Path(each).resolve() for each in sys.path if each}
    around = [place for place in file.resolve().parents if place in places]
    if around:
        return PurePosixPath(file.resolve().relative_to(around[0]).as_posix())
    root = file.resolve().parent
    while (root / "__init__.py").is_file():
        root = root.parent
    if root == file.resolve().parent:
        raise PackagingError(
            f"data file {str(file)!r} is beside no module that can be imported here, so code in a package "
            "would not find it; move it beside the code that reads it"
        )
    return PurePosixPath(file.resolve().relative_to(root).as_posix())
