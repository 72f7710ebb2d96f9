"""Finds the folders of a project below which its modules have their names: itself, and such as ``src``."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

_NOT_OWN = {"site-packages", "dist-packages", "node_modules", "__pycache__"}


def is_own_path(folder: Path, path: Path) -> bool:
    """Whether something is a project's own: in its folder, but not in an environment or a hidden folder there.

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
    """The folders inside a project that modules are imported from here, as ``PYTHONPATH=src`` or an editable
    installation has it, the deepest first.

    Args:
        folder: The project's, resolved.
    """
    places = {Path(each).resolve() for each in sys.path if each}
    own = {place for place in places if place != folder and place.is_dir() and is_own_path(folder, place)}
    return sorted(own, key=lambda place: (-len(place.parts), str(place)))


def find_declared_sources(folder: Path, modules: Iterable[str]) -> list[Path]:
    """The folders that a project's modules are in by its own word, whether or not it is installed.

    These are what ``pyproject.toml`` tells setuptools, Poetry, Hatch, PDM or uv, and ``src`` if one of ``modules`` is
    there only.

    Args:
        folder: The project's, resolved.
        modules: What is to be imported, such as the factory's.
    """
    found = [folder / place for place in _read_places(folder / "pyproject.toml")]
    tops = {module.partition(".")[0] for module in modules}
    if any(_has_module(folder / "src", top) and not _has_module(folder, top) for top in tops):
        found.append(folder / "src")
    places = dict.fromkeys(each.resolve() for each in found)
    return [each for each in places if each != folder and each.is_dir() and is_own_path(folder, each)]


def name_in_package(path: PurePosixPath, sources: Iterable[PurePosixPath]) -> PurePosixPath:
    """The path that a file of a project has in a package: from the source folder that it is in, or the project's.

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
    except ImportError:  # Python 3.10, where an installation or PYTHONPATH has to say it
        return []
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []  # there is none, or it is none of ours to judge
    return [place for place in _list_places(content) if isinstance(place, str)]


def _list_places(content: Mapping[str, Any]) -> Iterator[object]:
    """What the tools that build distributions are told of where modules are."""
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
