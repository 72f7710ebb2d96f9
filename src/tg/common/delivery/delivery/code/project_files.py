"""Finds the files of a project that go into its package."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ....errors import PackagingError
from .project_data_files import find_data_files
from .project_ignore import ProjectIgnore
from .source_folders import find_source_folders, name_in_package

DEFAULT_SIZE_LIMIT_BYTES = 10 * 1024 * 1024
_TOP = PurePosixPath()


@dataclass(frozen=True)
class ProjectFiles:
    """The files of a project that go into a package, by their paths there, sorted.

    A path is relative to the file's source folder, such as ``src``, so that a module has the name by which it is
    imported here; otherwise to the project. Each file is read once, so that a digest is of what is packaged, whatever
    an editor saves meanwhile.

    Attributes:
        folder: The project's folder, resolved.
        modules: Python modules, not yet checked.
        data: Other files.
        named_modules: The modules that a data pattern matches.
        broken: Python files and folders that cannot be read, relative to the project, with the reasons.
    """

    folder: Path
    modules: Mapping[PurePosixPath, Path]
    data: Mapping[PurePosixPath, Path]
    named_modules: Set[PurePosixPath]
    broken: Mapping[PurePosixPath, str]
    _contents: dict[Path, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, file: Path) -> bytes:
        """Returns what a file had when it was first read.

        Raises:
            OSError: If it cannot be read.
        """
        if file not in self._contents:
            self._contents[file] = file.read_bytes()
        return self._contents[file]

    def digest(self) -> str:
        """Digests names and contents: a SHA-256, hexadecimal.

        The names are those in the package, so that neither the project's location nor its installation matters.
        """
        digest = hashlib.sha256()
        for path, file in (*self.modules.items(), *self.data.items()):
            try:
                content = self.read(file)
            except OSError:
                continue  # if it is needed, the package cannot be made
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def collect_project_files(
    folder: Path, data_patterns: Sequence[str] = (), size_limit_bytes: int = DEFAULT_SIZE_LIMIT_BYTES
) -> ProjectFiles:
    """Finds a project's modules, and the data files that patterns match.

    Modules are all ``.py`` files that can be imported from the folder, or from source folders in it, except what
    :class:`ProjectIgnore` leaves out. Links to folders are not followed. A data file may be ignored by git, but does
    not lie in a cache or an environment.

    Args:
        folder: The project's folder.
        data_patterns: In the notation of ``.gitignore``, such as ``vocabulary/*.txt``, relative to the project or to a
            source folder. Files beside code that lies elsewhere are named by the package (``lib/words.txt``), or by
            a path, absolute or relative to the project (``../lib/words.txt``).
        size_limit_bytes: The largest size of a data file.

    Raises:
        PackagingError: If there is no such folder, if a data file is too large, or if a data pattern names a secret or
            matches nothing.
    """
    folder = folder.resolve()
    ignore = ProjectIgnore(folder)
    broken: dict[PurePosixPath, str] = {}
    sources = [PurePosixPath(each.relative_to(folder)) for each in find_source_folders(folder)]
    modules: dict[PurePosixPath, Path] = {}
    ranks: dict[PurePosixPath, int] = {}
    for path in _walk(folder, ".py", lambda path, is_folder: ignore.why_left_out(path, is_folder) is not None, broken):
        name = name_in_package(path, sources)
        is_top = len(name.parts) == 1 and name.stem in ("__init__", "__main__")
        is_module = path.suffix == ".py" and all(part.isidentifier() for part in name.with_suffix("").parts)
        # Of two modules of one name, the one in the project's own folder is imported, then the deepest one.
        rank = next((index for index, source in enumerate(sources) if path.is_relative_to(source)), -1)
        if is_module and not is_top and rank < ranks.get(name, len(sources)):
            ranks[name], modules[name] = rank, folder / path
    data: dict[PurePosixPath, Path] = {}
    if data_patterns:
        files = list(_walk(folder, "", lambda path, is_folder: is_folder and ignore.is_cache(path), {}))
        data = find_data_files(folder, data_patterns, files, sources, ignore)
    named = {path for path, file in data.items() if modules.get(path) == file}
    data = {path: file for path, file in data.items() if path not in named}
    for file in data.values():
        check_size(file, folder, size_limit_bytes)
    return ProjectFiles(folder, dict(sorted(modules.items())), dict(sorted(data.items())), named, broken)


def check_size(file: Path, folder: Path | None, limit_bytes: int) -> None:
    """Refuses a file that is too large.

    Args:
        file: The file.
        folder: The project's folder, to which messages name it relatively.
        limit_bytes: The largest size.

    Raises:
        PackagingError: If it is.
    """
    size = file.stat().st_size
    if size > limit_bytes:
        name = file.relative_to(folder) if folder is not None and file.is_relative_to(folder) else file
        raise PackagingError(
            f"file {str(name)!r} has {size:,} bytes, more than the limit of {limit_bytes:,} for one file; "
            "make it part of the dataset, or name it in .tgignore"
        )


def _walk(
    folder: Path,
    suffix: str,
    leaves_out: Callable[[PurePosixPath, bool], bool],
    broken: dict[PurePosixPath, str],
    below: PurePosixPath = _TOP,
) -> Iterator[PurePosixPath]:
    """Yields the files below ``folder`` with ``suffix``, relative to it, except what ``leaves_out`` selects.

    Other files, such as ten thousands of images, cost no more than a look at their names. What cannot be read is noted
    in ``broken``.
    """
    try:
        with os.scandir(folder / below) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        if below == _TOP:
            raise PackagingError(f"folder {str(folder)!r} cannot be read: {error.strerror}") from error
        broken[below] = f"cannot be read: {error.strerror}"
        return
    for entry in entries:
        is_wanted = entry.name.endswith(suffix)
        if not is_wanted and entry.is_file(follow_symlinks=False):
            continue
        path = below / entry.name
        try:
            is_folder, is_file = _look(entry)
        except OSError as error:
            broken[path] = f"cannot be read: {error.strerror}"
            continue
        if not (is_folder or is_file):
            if path.suffix == ".py" and entry.is_symlink() and not leaves_out(path, False):
                broken[path] = "is a link to nothing"
            continue
        if not (is_folder or is_wanted) or leaves_out(path, is_folder):
            continue
        if is_folder:
            yield from _walk(folder, suffix, leaves_out, broken, path)
        else:
            yield path


def _look(entry: "os.DirEntry[str]") -> tuple[bool, bool]:
    """Returns whether an entry is a folder and whether it is a file; only a link costs a look at what it leads to."""
    if not entry.is_symlink():
        return entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)
    place = Path(entry.path)
    return place.is_dir(), place.is_file()
