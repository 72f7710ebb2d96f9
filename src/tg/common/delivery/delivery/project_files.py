"""Finds the files of a project that go into its package."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import PackagingError
from .project_ignore import ProjectIgnore

DEFAULT_SIZE_LIMIT_BYTES = 10 * 1024 * 1024
_TOP = PurePosixPath()


@dataclass(frozen=True)
class ProjectFiles:
    """The files of a project that go into a package.

    Attributes:
        modules: Python modules, as paths relative to the project, sorted.
        data: Other files, likewise.
    """

    modules: tuple[PurePosixPath, ...]
    data: tuple[PurePosixPath, ...]


def collect_project_files(
    folder: Path, data_patterns: Sequence[str] = (), size_limit_bytes: int = DEFAULT_SIZE_LIMIT_BYTES
) -> ProjectFiles:
    """Finds a project's modules, and the data files that are asked for.

    Modules are all ``.py`` files that can be imported from the folder, but for what :class:`ProjectIgnore` leaves out.
    Folders that are links are not followed. A data file may be ignored by git; caches and environments have none.

    Args:
        folder: The project's folder.
        data_patterns: In the notation of ``.gitignore``, such as ``vocabulary/*.txt``.
        size_limit_bytes: The largest size of one file.

    Raises:
        PackagingError: If there is no such folder, for a file that is too large, a data pattern that names a secret,
            and one that matches nothing.
    """
    folder = folder.resolve()
    ignore = ProjectIgnore(folder)
    modules = [
        path
        for path in _walk(folder, lambda path, is_folder: ignore.why_left_out(path, is_folder) is not None)
        if path.suffix == ".py" and all(part.isidentifier() for part in path.with_suffix("").parts)
    ]
    data = _find_data(folder, data_patterns, ignore, set(modules)) if data_patterns else set[PurePosixPath]()
    for path in (*modules, *sorted(data)):
        check_size(folder / path, str(path), size_limit_bytes)
    return ProjectFiles(tuple(sorted(modules)), tuple(sorted(data)))


def check_size(file: Path, name: str, limit_bytes: int) -> None:
    """Refuses a file that is too large.

    Raises:
        PackagingError: If it is.
    """
    size = file.stat().st_size
    if size > limit_bytes:
        raise PackagingError(
            f"file {name!r} has {size:,} bytes, more than the limit of {limit_bytes:,} for one file; "
            "make it part of the dataset, or name it in .tgignore"
        )


def _find_data(
    folder: Path, patterns: Sequence[str], ignore: ProjectIgnore, modules: set[PurePosixPath]
) -> set[PurePosixPath]:
    import pathspec  # only where packages are built

    data: set[PurePosixPath] = set()
    files = list(_walk(folder, lambda path, is_folder: is_folder and ignore.is_cache(path)))
    for pattern in patterns:
        try:
            wanted = pathspec.GitIgnoreSpec.from_lines([pattern])
        except ValueError as error:
            raise PackagingError(f"the data pattern {pattern!r} is no pattern of .gitignore: {error}") from error
        found = [path for path in files if wanted.match_file(str(path))]
        if not found:
            raise PackagingError(
                f"the data pattern {pattern!r} matches no file in {str(folder)!r}; correct or remove it"
            )
        if secret := next((path for path in found if ignore.is_secret(path)), None):
            raise PackagingError(
                f"data file {str(secret)!r} looks like a secret, and packages hold none; change {pattern!r}, and pass "
                "secrets through the environment"
            )
        data.update(path for path in found if path not in modules)
    return data


def _walk(
    folder: Path, leaves_out: Callable[[PurePosixPath, bool], bool], below: PurePosixPath = _TOP
) -> Iterator[PurePosixPath]:
    """Yields the files below ``folder``, relative to it; of what ``leaves_out`` names, nothing."""
    try:
        entries = sorted((folder / below).iterdir())
    except OSError as error:
        raise PackagingError(f"folder {str(folder / below)!r} cannot be read: {error.strerror}") from error
    for entry in entries:
        path, is_folder = below / entry.name, entry.is_dir()
        if not (is_folder or entry.is_file()) or leaves_out(path, is_folder):
            continue
        if is_folder:
            yield from _walk(folder, leaves_out, path)
        else:
            yield path
