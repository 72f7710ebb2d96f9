"""The code of a project that a package needs, wherever it comes from."""

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ...errors import PackagingError
from .import_rewriter import ImportedModule, find_imports
from .installed_distributions import find_installed, is_known
from .project_files import collect_project_files
from .python_source import read_python_source


class ProjectCode:
    """The modules of a project and other files beside them.

    Args:
        folder: The project's folder, of which all is taken that is not ignored. ``None``: modules are taken as objects
            refer to them.
        data_patterns: See :func:`collect_project_files`.
        size_limit_bytes: Likewise.
        reserved: A top-level name that a project must not have.

    Attributes:
        files: Where each file is, by its path in the project.

    Raises:
        PackagingError: If a module hides an installed one, or a file cannot be part of a package.
    """

    def __init__(self, folder: Path | None, data_patterns: Sequence[str], size_limit_bytes: int, reserved: str) -> None:
        self.files: dict[PurePosixPath, Path] = {}
        self._reserved = reserved
        self._imports: dict[PurePosixPath, list[ImportedModule]] = {}
        if folder is not None:
            found = collect_project_files(folder, data_patterns, size_limit_bytes)
            self.files.update({path: folder / path for path in (*found.modules, *found.data)})
            self._check_names()

    @property
    def names(self) -> set[str]:
        """The top-level names of its modules."""
        return {path.parts[0].removesuffix(".py") for path in self.files if path.suffix == ".py"}

    def holds(self, module: str) -> bool:
        """Whether a module, named from the top, is the project's."""
        return self._path_of(module) is not None

    def add_referenced(self, modules: Iterable[str]) -> None:
        """Adds the modules that an object refers to and that are neither installed nor our own, with what they import.

        Only for code without a project folder, such as a notebook's.
        """
        waiting = [module for module in modules if module != "__main__"]
        while waiting:
            module = waiting.pop()
            top = module.partition(".")[0]
            if self.holds(module) or top == self._reserved or find_installed(top) is not None:
                continue
            for path, file in _files_of(module):
                if path not in self.files:
                    self.files[path] = file
                    waiting += [imported.name for imported in self._imports_of(path)]
        self._check_names()

    def check_imports(self, modules: Iterable[str]) -> set[str]:
        """Follows imports from ``modules`` and returns the top-level names outside the project that they reach.

        Raises:
            PackagingError: If a module needs one that is neither in the project nor installed here.
        """
        outside: set[str] = set()
        seen: set[PurePosixPath] = set()
        waiting = list(modules)
        while waiting:
            module = waiting.pop()
            paths = [path for path in self._paths_along(module) if path not in seen]
            if not self.holds(module.partition(".")[0]):
                outside.add(module.partition(".")[0])
            for path in paths:
                seen.add(path)
                for imported in self._imports_of(path):
                    top = imported.name.partition(".")[0]
                    if imported.is_required and not self.holds(top) and not is_known(top):
                        raise PackagingError(
                            f"{path} line {imported.line} imports {imported.name!r}, which is neither in the project "
                            "nor installed here; add the module or install its library"
                        )
                    waiting.append(imported.name)
        return outside - {self._reserved, "__main__"}

    def _imports_of(self, path: PurePosixPath) -> list[ImportedModule]:
        if path not in self._imports:
            source, _ = read_python_source(self.files[path])
            self._imports[path] = list(find_imports(source, path))
        return self._imports[path]

    def _path_of(self, module: str) -> PurePosixPath | None:
        stem = PurePosixPath(*module.split("."))
        candidates = (stem.with_suffix(".py"), stem / "__init__.py")
        found = next((path for path in candidates if path in self.files), None)
        # A folder without __init__.py is a package, too, and has nothing to import by itself.
        is_folder = any(stem in path.parents for path in self.files if path.suffix == ".py")
        return found or (stem if is_folder else None)

    def _paths_along(self, module: str) -> list[PurePosixPath]:
        """The files that importing ``module`` runs: its packages' and its own."""
        parts = module.split(".")
        found = [self._path_of(".".join(parts[:count])) for count in range(1, len(parts) + 1)]
        return [path for path in found if path in self.files]

    def _check_names(self) -> None:
        for name in sorted(self.names):
            hidden = f"our own package {name!r}" if name == self._reserved else find_installed(name)
            if hidden is not None:
                path = next(str(path) for path in self.files if path.parts[0].removesuffix(".py") == name)
                raise PackagingError(
                    f"project module {path!r} hides {name!r}, which is {hidden}; rename it, or name it in .tgignore"
                )


def _files_of(module: str) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yields the file of an importable module and those of the packages around it, with their paths in a project."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        try:
            spec = importlib.util.find_spec(".".join(parts[:count]))
        except (ImportError, ValueError, AttributeError):  # what is above it is no package, or it has no specification
            return
        if spec is None or spec.origin is None or Path(spec.origin).suffix != ".py":
            continue
        stem = PurePosixPath(*parts[:count])
        is_package = spec.submodule_search_locations is not None
        yield (stem / "__init__.py" if is_package else stem.with_suffix(".py")), Path(spec.origin)
