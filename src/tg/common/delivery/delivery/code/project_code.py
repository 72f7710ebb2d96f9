"""Collects the code of a project that a package needs, wherever it lies."""

from collections.abc import Iterable, Iterator, Set
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ....errors import PackagingError
from .hiding_modules import HidingModule, find_hiding_modules
from .installed_distributions import find_installed, is_hidden
from .known_outlines import KnownOutlines
from .module_outline import ModuleOutline
from .optional_parts import find_optional_parts
from .project_files import ProjectFiles, check_size
from .project_ignore import ProjectIgnore
from .project_imports import ImportedModule, list_imports
from .project_module_files import ModuleFinder
from .python_source import read_python_source


class ModuleSource(NamedTuple):
    """What a module's file says, read once.

    Attributes:
        text: Its text.
        encoding: In which encoding the file has it.
        outline: What it says of other modules.
    """

    text: str
    encoding: str
    outline: ModuleOutline


class ProjectCode:
    """The modules of a project and its data files.

    Args:
        project: The project's files, which are all taken. With ``None``, modules are taken as they are reached.
        size_limit_bytes: The largest size of a module.
        reserved: A top-level name that a project must not use.

    Attributes:
        files: The files by their paths in the package.
        needed: The paths of the modules that :meth:`add_reached` found to be needed.
        left_out: Why modules are left out, by their paths in the project. Nothing needs them: a needed module that
            cannot be taken is an error.
        required: The installed modules that are imported as soon as the payload is loaded or used, named from the top.

    Raises:
        PackagingError: If a module has the reserved name.
    """

    def __init__(self, project: ProjectFiles | None, size_limit_bytes: int, reserved: str) -> None:
        self.files: dict[PurePosixPath, Path] = {}
        self.required = set[str]()
        self._modules: dict[str, PurePosixPath | None] = {}
        self._read_file = Path.read_bytes if project is None else project.read
        self._folder = project.folder if project is not None else None
        self._size_limit_bytes = size_limit_bytes
        self._reserved = reserved
        self._finder = ModuleFinder()
        self._known = KnownOutlines(self._folder)
        self._sources: dict[PurePosixPath, ModuleSource] = {}
        self._hiding: dict[str, HidingModule] = {}
        self.left_out: dict[PurePosixPath, str] = {}
        self.needed = set[PurePosixPath]()
        self._done_without: dict[PurePosixPath, str] = {}
        self._named: Set[PurePosixPath] = set()
        if project is not None:
            self.left_out.update(project.broken)
            self._hiding = find_hiding_modules(project.modules, reserved)
            for path, file in project.modules.items():
                hiding = self._hiding.get(path.parts[0].removesuffix(".py"))
                if hiding is None:
                    self._add_module(path, file)
                elif path not in project.named_modules:
                    self.left_out[self._shown(file)] = f"hides {hiding.what}"
            self._named = project.named_modules
            self.files.update(project.data)
            self.files.update({path: project.modules[path] for path in project.named_modules})

    @property
    def modules(self) -> set[PurePosixPath]:
        """The paths of its modules."""
        return {path for path in self._modules.values() if path is not None}

    @property
    def names(self) -> set[str]:
        """The top-level names of its modules."""
        return {name for name in self._modules if "." not in name}

    def holds(self, module: str) -> bool:
        """Returns whether a module, named from the top, is among its modules, or a folder with some."""
        return module in self._modules

    def add_reached(self, modules: Iterable[str]) -> set[str]:
        """Follows imports from ``modules``, and adds what they reach that is neither here, installed nor our own.

        Examples are the modules around a notebook, or those of an editable installation.

        Args:
            modules: What objects refer to. A name that cannot be found is not a module's.

        Returns:
            The top-level names of installed modules, and of the standard library's, that are reached.

        Raises:
            PackagingError: If a module needs one that cannot be found and added.
        """
        outside, seen = set[str](), set[PurePosixPath]()
        is_outside = dict[str, bool]()
        waiting: list[tuple[str, str | None, bool, bool]] = [(module, None, False, True) for module in modules]
        while waiting:
            module, importer, is_required, is_run = waiting.pop()
            top = module.partition(".")[0]
            if top in (self._reserved, "__main__"):
                continue
            if importer is not None and top in self._hiding and self._hiding[top].is_found_first:
                raise PackagingError(self._hiding[top].describe(importer))
            if top not in is_outside:
                is_outside[top] = find_installed(top) is not None and not is_hidden(top)
            if top not in self._modules and is_outside[top]:
                outside.add(top)
                if is_required or importer is None:
                    self.required.add(module)
                continue
            if module not in self._modules and (is_required or not self._is_in_module(module)):
                self._add_from_elsewhere(module, importer, is_required)
            for path in self._paths_along(module):
                if path in seen:
                    continue
                try:
                    imports = self._imports_of(path)
                except PackagingError:
                    if is_run:
                        raise
                    self._done_without.setdefault(path, importer or "")  # it is left out
                    continue
                seen.add(path)
                self.needed.add(path)
                waiting += [(each.name, f"{path} line {each.line}", each.is_required, each.is_run) for each in imports]
        return outside

    def leave_out_unusable(self) -> None:
        """Leaves out modules that this Python cannot parse, that are too large or that cannot be read.

        Needed modules have been checked before. A module that a data pattern names, such as a template, stays as a data
        file.
        """
        usable = dict[PurePosixPath, Path]()
        for path in sorted(self.modules):
            try:
                self.read(path)
                usable[path] = self.files[path]
            except PackagingError as error:
                if path not in self._named:
                    shown = self._shown(self.files[path])
                    reason = _describe_reason(error, path, self.files.pop(path))
                    if importer := self._done_without.get(path):
                        reason += f"; {importer} imports it while it runs, which will fail"
                    self.left_out[shown] = reason
        self._modules.clear()
        for path, file in usable.items():
            self._add_module(path, file)

    def _add_from_elsewhere(self, module: str, importer: str | None, is_required: bool) -> None:
        what = f"the payload refers to {module!r}" if importer is None else f"{importer} imports {module!r}"
        found = self._finder.find_files(module)
        if found is None and is_required:
            raise PackagingError(
                f"{what}, which is neither in the project nor installed here; add the module or install its library"
            )
        for path, file in (found or {}).items():
            reason = self._why_left_out(file)
            if reason is None and path.suffix == ".py":
                self._add_module(path, file)
            elif is_required or importer is None:
                reason = f"is left out of packages, since {file.name!r} {reason}" if reason else "is no Python source"
                raise PackagingError(f"{what}, which {reason} ({file}); move or rename it, or do without it")

    def _is_in_module(self, name: str) -> bool:
        """Returns whether a name is that of something in one of its modules, if of anything: only packages have more
        modules."""
        path = self._modules.get(name.rpartition(".")[0])
        return path is not None and path.name != "__init__.py"

    def _why_left_out(self, file: Path) -> str | None:
        if self._folder is None:
            return None
        file = file.resolve()
        if not file.is_relative_to(self._folder):
            return None
        return ProjectIgnore(self._folder).why_out_of_reach(PurePosixPath(file.relative_to(self._folder)))

    def _add_module(self, path: PurePosixPath, file: Path) -> None:
        self.files[path] = file
        parts = path.with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        # A folder without __init__.py is a package, too, but has no code of its own.
        for count in range(1, len(parts)):
            self._modules.setdefault(".".join(parts[:count]), None)
        name = ".".join(parts)
        if self._modules.get(name) is None or path.name == "__init__.py":  # a package comes before a module
            self._modules[name] = path

    def find_optional_parts(self, modules: Iterable[str], distributions: Iterable[str]) -> set[str]:
        """Finds optional parts of libraries that its modules use, as :func:`find_optional_parts` does."""
        outlines = [self.read(path).outline for path in self.modules]
        return find_optional_parts(modules, distributions, outlines, self._known.find)

    def keep_outlines(self) -> None:
        """Keeps what it has found out of modules' texts for the next time."""
        self._known.keep()

    def read(self, path: PurePosixPath) -> ModuleSource:
        """Returns what one of its modules says.

        Raises:
            PackagingError: If this Python cannot parse it, or if it is too large or cannot be read.
        """
        if path not in self._sources:
            file = self.files[path]
            check_size(file, self._folder, self._size_limit_bytes)
            text, encoding = read_python_source(file, self._read_file)
            self._sources[path] = ModuleSource(text, encoding, self._known.find(text, path))
        return self._sources[path]

    def read_data(self, path: PurePosixPath) -> bytes:
        """Returns what one of its files has.

        Raises:
            OSError: If it cannot be read.
        """
        return self._read_file(self.files[path])

    def _imports_of(self, path: PurePosixPath) -> Iterator[ImportedModule]:
        return list_imports(self.read(path).outline, path)

    def _paths_along(self, module: str) -> Iterator[PurePosixPath]:
        """Returns the files that importing ``module`` runs: its packages' and its own."""
        parts = module.split(".")
        for count in range(1, len(parts) + 1):
            path = self._modules.get(".".join(parts[:count]))
            if path is not None:
                yield path

    def _shown(self, file: Path) -> PurePosixPath:
        if self._folder is not None and file.is_relative_to(self._folder):
            return PurePosixPath(file.relative_to(self._folder))
        return PurePosixPath(file)


def _describe_reason(error: PackagingError, path: PurePosixPath, file: Path) -> str:
    """Returns what is wrong with a module, without its name and advice."""
    reason = str(error).partition("; ")[0]
    for name in (str(path), str(file)):
        reason = reason.removeprefix("file ").removeprefix(repr(name)).removeprefix(name).strip()
    return reason if reason.startswith("line ") else f"it {reason}"
