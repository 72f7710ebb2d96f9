"""Finds the files of a module that is importable here, without importing it."""

import pkgutil
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath

from ....module_specs import find_module_spec


def find_module_files(module: str) -> dict[PurePosixPath, Path] | None:
    """Finds the file of a module and those of the packages around it.

    Returns:
        Files by their paths in a project; a folder without ``__init__.py`` has none, nor has a module that a program
        creates at run time. ``None`` if there is no such module.
    """
    files: dict[PurePosixPath, Path] = {}
    parts = module.split(".")
    spec = find_module_spec(parts[0])
    for count in range(1, len(parts) + 1):
        if count > 1:
            places = spec.submodule_search_locations if spec is not None else None
            spec = _find_below(".".join(parts[:count]), places or ())
        if spec is None:
            return {} if module in sys.modules else None
        if spec.has_location and spec.origin is not None:
            stem, suffix = PurePosixPath(*parts[:count]), Path(spec.origin).suffix
            is_package = spec.submodule_search_locations is not None
            path = stem / f"__init__{suffix}" if is_package else stem.with_name(f"{stem.name}{suffix}")
            files[path] = Path(spec.origin)
    return files


def find_package_folders(name: str) -> list[Path]:
    """Returns the folders of a top-level package that is importable here and not an installed library."""
    spec = find_module_spec(name)
    places = [Path(each) for each in (spec and spec.submodule_search_locations) or ()]
    return [place for place in places if not {"site-packages", "dist-packages"} & set(place.parts)]


def _find_below(name: str, places: Iterable[str]) -> ModuleSpec | None:
    """Finds a module of a package; unlike :class:`PathFinder`, also if the package has not been imported."""
    folders: list[str] = []
    for place in places:
        finder = pkgutil.get_importer(place)
        spec = finder.find_spec(name) if finder is not None else None
        if spec is not None and spec.loader is not None:
            return spec
        folders += (spec and spec.submodule_search_locations) or []
    if not folders:
        return None
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = folders
    return spec
