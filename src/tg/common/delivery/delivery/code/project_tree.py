"""Finds the files of a project that a command runs in: all that are its own, not modules alone."""

import os
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ....errors import PackagingError
from .installed_distributions import find_distributions
from .module_outline import ModuleOutline, outline_module
from .optional_parts import find_optional_parts
from .project_ignore import ProjectIgnore
from .project_imports import list_imports
from .project_surroundings import find_named, find_patterned, leads_above
from .python_source import read_python_source

DEFAULT_PROJECT_LIMIT_MB = 200
_MOST_NAMED = 3
_TOP = PurePosixPath()


@dataclass(frozen=True)
class ProjectTree:
    """A project's files, as a command finds them.

    Attributes:
        files: Files and links by their paths in the project, sorted.
        left_out: Why files and folders stay out, by their paths in the project.
        around: Files outside of the project that a pattern or a script names, by their paths relative to the project.
    """

    files: Mapping[PurePosixPath, Path]
    left_out: Mapping[PurePosixPath, str] = field(default_factory=dict)
    around: Mapping[PurePosixPath, Path] = field(default_factory=dict)

    def find_distributions(self) -> set[str]:
        """Finds the installed distributions that the project's code uses."""
        modules = self.find_imported()
        found = find_distributions(modules)
        return found | find_optional_parts(modules, found, self._outlines.values())

    def find_imported(self) -> set[str]:
        """Finds the top-level modules that the project's code imports and does not hold itself."""
        own = {part.removesuffix(".py") for path in self.files for part in path.parts}
        imports = (each for path, outline in self._outlines.items() for each in list_imports(outline, path))
        return {each.name.partition(".")[0] for each in imports} - own

    @cached_property
    def _outlines(self) -> dict[PurePosixPath, ModuleOutline]:
        """Outlines each Python file that this Python understands.

        Others are for another Python, or templates; who runs them will see.
        """
        outlines = dict[PurePosixPath, ModuleOutline]()
        for path, file in self.files.items():
            if path.suffix == ".py" and file.is_file():
                with suppress(PackagingError):
                    outlines[path] = outline_module(read_python_source(file)[0], path)
        return outlines


def collect_project_tree(
    folder: Path,
    data_patterns: Sequence[str] = (),
    skipped: Set[Path] = frozenset(),
    limit_mb: float = DEFAULT_PROJECT_LIMIT_MB,
) -> ProjectTree:
    """Finds a project's files, except what ``.gitignore`` and ``.tgignore`` name, secrets, caches, environments and
    where MLflow keeps runs.

    A link is a link if it stays in the project, and otherwise what it leads to.

    Args:
        folder: The project's folder.
        data_patterns: In the notation of ``.gitignore``: files that are taken although git ignores them. Those that
            begin with ``../`` find files around the project.
        skipped: Folders that are not looked into, such as that of the dataset, which reaches the job by itself.
        limit_mb: The largest size of all files together, in megabytes.

    Raises:
        PackagingError: If a folder cannot be read, the files are too large, or a pattern is invalid or matches nothing.
    """
    folder = folder.resolve()
    ignore = ProjectIgnore(folder)
    around = find_patterned(folder, [each for each in data_patterns if leads_above(each)])
    wanted = _Wanted([each for each in data_patterns if not leads_above(each)])
    files: dict[PurePosixPath, Path] = {}
    left_out: dict[PurePosixPath, str] = {}
    waiting = [(_TOP, False)]
    while waiting:
        below, is_ignored = waiting.pop()
        for path, is_folder in _list(folder, below):
            reason = ignore.why_not_in_copy(path, is_folder)
            if ignore.is_secret(path) or (is_folder and ignore.is_cache(path)):
                left_out[path] = reason or "is a cache or an environment"
            elif is_folder:
                if folder / path in skipped:
                    continue
                if reason is not None:
                    left_out[path] = reason
                if reason is None or wanted.patterns:
                    waiting.append((path, is_ignored or reason is not None))
            elif (elsewhere := _leads_away(folder, folder / path)) is not None:
                left_out[path] = elsewhere
            elif wanted.matches(path):
                files[path] = folder / path
            elif reason is not None:
                left_out[path] = reason
            elif not is_ignored:
                files[path] = folder / path
    wanted.check(folder)
    around |= find_named(folder, files)
    _check_size({**files, **around}, limit_mb)
    return ProjectTree(dict(sorted(files.items())), dict(sorted(left_out.items())), dict(sorted(around.items())))


def _list(folder: Path, below: PurePosixPath) -> list[tuple[PurePosixPath, bool]]:
    """Lists what is in a folder of the project, and whether each is a folder to look into; without what is special."""
    try:
        with os.scandir(folder / below) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
            return [
                (below / entry.name, entry.is_dir(follow_symlinks=False))
                for entry in found
                if entry.is_symlink() or entry.is_file() or entry.is_dir()
            ]
    except OSError as error:
        shown = str(folder / below)
        raise PackagingError(
            f"folder {shown!r} of the project cannot be read ({error.strerror}); correct its mode, or name it in "
            ".tgignore"
        ) from error


def _leads_away(folder: Path, path: Path) -> str | None:
    """Says why a link cannot be taken: the file that it leads to would be."""
    if not path.is_symlink():
        return None
    if not path.exists():
        return "is a link to nothing"
    is_outside = path.is_dir() and not path.resolve().is_relative_to(folder)
    return "is a link to a folder outside of the project" if is_outside else None


class _Wanted:
    """Patterns of files that are taken whatever git ignores.

    Attributes:
        patterns: The patterns.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        import pathspec  # only where packages are built

        self.patterns = list(patterns)
        self._met = set[str]()
        try:
            self._specs = {each: pathspec.GitIgnoreSpec.from_lines([each]) for each in patterns}
        except ValueError as error:
            raise PackagingError(f"data_files is {list(patterns)!r}, no patterns of .gitignore: {error}") from error

    def matches(self, path: PurePosixPath) -> bool:
        met = [pattern for pattern, spec in self._specs.items() if spec.match_file(str(path))]
        self._met.update(met)
        return bool(met)

    def check(self, folder: Path) -> None:
        for pattern in self.patterns:
            if pattern not in self._met:
                raise PackagingError(
                    f"the data pattern {pattern!r} matches no file in {str(folder)!r}; correct or remove it"
                )


def _check_size(files: Mapping[PurePosixPath, Path], limit_mb: float) -> None:
    sizes = {path: file.stat().st_size for path, file in files.items() if file.is_file()}
    total = sum(sizes.values())
    if total <= limit_mb * 1e6:
        return
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:_MOST_NAMED]
    shown = ", ".join(f"{str(path)!r} ({size / 1e6:,.0f} MB)" for path, size in largest)
    raise PackagingError(
        f"the project's files have {total / 1e6:,.0f} MB, more than {limit_mb:g}; the largest: {shown}. Name what the "
        "training does not need in .tgignore, give data as channels, or raise project_limit_mb"
    )
