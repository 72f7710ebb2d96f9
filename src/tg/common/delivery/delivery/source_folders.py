"""Finds the folders of a project below which its modules have their names: itself, and such as ``src``."""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

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

    These are what setuptools is told in ``pyproject.toml``, and ``src`` if one of ``modules`` is there only.

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
    tools = content.get("tool", {}).get("setuptools", {})
    packages = tools.get("packages", {})
    where = packages.get("find", {}).get("where", []) if isinstance(packages, dict) else []
    return [place for place in (*where, tools.get("package-dir", {}).get("")) if isinstance(place, str)]
