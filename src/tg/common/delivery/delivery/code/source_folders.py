"""Finds a project's source folders, from which its modules are imported: itself, and folders such as ``src``."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

_NOT_OWN = {"site-packages", "dist-packages", "node_modules", "__pycache__"}


def is_own_path(folder: Path, path: Path) -> bool:
    """Returns whether something is a project's own: in its folder, but not in an environment or a hidden folder there.

    Args:
        folder: The project's, resolved.
        path: Likewise.
    """
    if not path.is_relative_to(folder):
        return False
    parts = path.relative_to(folder).parts
    if any(part.startswith(".") or part in _NOT_OWN for part in parts):
        return False
    around = [folder.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    return not any((each / "pyvenv.cfg").exists() or (each / "conda-meta").exists() for each in around)


def find_source_folders(folder: Path) -> list[Path]:
    """Finds the folders inside a project that are on this process's path, the deepest first.

    Args:
        folder: The project's, resolved.
    """
    places = {Path(each).resolve() for each in sys.path if each}
    own = {place for place in places if place != folder and place.is_dir() and is_own_path(folder, place)}
    return sorted(own, key=lambda place: (-len(place.parts), str(place)))


def find_declared_sources(folder: Path, modules: Iterable[str]) -> list[Path]:
    """Finds the source folders that a project declares, whether or not it is installed.

    These are the folders that ``pyproject.toml`` names for setuptools, Poetry, Hatch, PDM or uv, and ``src`` if one of
    ``modules`` is only there.

    Args:
        folder: The project's, resolved.
        modules: Modules to be imported, such as the factory's.
    """
    found = [folder / place for place in _read_places(folder / "pyproject.toml")]
    tops = {module.partition(".")[0] for module in modules}
    if any(_has_module(folder / "src", top) and not _has_module(folder, top) for top in tops):
        found.append(folder / "src")
    places = dict.fromkeys(each.resolve() for each in found)
    return [each for each in places if each != folder and each.is_dir() and is_own_path(folder, each)]


def name_in_package(path: PurePosixPath, sources: Iterable[PurePosixPath]) -> PurePosixPath:
    """Returns the path of a project's file in a package: relative to its source folder, or to the project.

    Args:
        path: Relative to the project.
        sources: Likewise, the deepest first.
    """
    return next((path.relative_to(source) for source in sources if path.is_relative_to(source)), path)


def _has_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def _read_places(file: Path) -> list[str]:
    try:
        import tomllib
    except ImportError:  # Python 3.10, where an installation or PYTHONPATH has to name them
        return []
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []  # there is none, or it is not ours to judge
    return [place for place in _list_places(content) if isinstance(place, str)]


def _list_places(content: Mapping[str, Any]) -> Iterator[object]:
    """Yields the folders of modules that build tools are told."""
    for find in _find(content, "tool.setuptools.packages.find.where"):
        yield from find if isinstance(find, list) else ()
    yield from (each.get("") for each in _find(content, "tool.setuptools.package-dir") if isinstance(each, dict))
    for packages in _find(content, "tool.poetry.packages"):
        yield from (each.get("from") for each in packages if isinstance(each, dict))
    for packages in _find(content, "tool.hatch.build.targets.wheel.packages"):
        yield from (str(PurePosixPath(each).parent) for each in packages if isinstance(each, str))
    yield from _find(content, "tool.pdm.build.package-dir")
    yield from _find(content, "tool.uv.build-backend.module-root")


def _find(content: Any, path: str) -> Iterator[Any]:
    for name in path.split("."):
        if not isinstance(content, dict) or name not in content:
            return
        content = content[name]
    yield content
