"""Finds the files of a module that is importable here, without importing it."""

import pkgutil
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath

from ....module_specs import find_module_spec


class ModuleFinder:
    """Finds modules, and remembers what it has found."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_files(self, module: str) -> dict[PurePosixPath, Path] | None:
        """Finds the file of a module and those of the packages around it.

        Returns:
            Files by their paths in a project; a folder without ``__init__.py`` has none, nor has a module that a
            program creates at run time. ``None`` if there is no such module.
        """
        files: dict[PurePosixPath, Path] = {}
        parts = module.split(".")
        if self._find(module) is None:
            return {} if module in sys.modules else None
        for count in range(1, len(parts) + 1):
            spec = self._find(".".join(parts[:count]))
            if spec is not None and spec.has_location and spec.origin is not None:
                stem, suffix = PurePosixPath(*parts[:count]), Path(spec.origin).suffix
                is_package = spec.submodule_search_locations is not None
                path = stem / f"__init__{suffix}" if is_package else stem.with_name(f"{stem.name}{suffix}")
                files[path] = Path(spec.origin)
        return files

    def _find(self, module: str) -> ModuleSpec | None:
        if module not in self._specs:
            above = module.rpartition(".")[0]
            around = self._find(above) if above else None
            places = (around.submodule_search_locations if around is not None else None) or ()
            self._specs[module] = _find_below(module, places) if above else find_module_spec(module)
        return self._specs[module]


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
