"""Collects the content of a folder that becomes an archive."""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ....errors import DeliveryError, ResultArchiveError, StorageError
from ....system.disk_errors import is_of_the_disk


@dataclass(frozen=True)
class ArchiveEntry:
    """A file, folder or link that goes into an archive.

    Attributes:
        name: Its path below the folder.
        path: Where it is.
        is_file: Whether it is a file.
        target: A link's target, relative to the link's folder; ``None`` for others.
    """

    name: str
    path: Path
    is_file: bool
    target: str | None = None

    def add_to(self, archive: tarfile.TarFile) -> None:
        """Adds it to an archive, without its owner and unusual permissions."""
        info, status = tarfile.TarInfo(self.name), self.path.lstat()
        info.mtime = int(status.st_mtime)
        if self.target is not None:
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, self.target, 0o777
            archive.addfile(info)
        elif not self.is_file:
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        else:
            info.mode = 0o755 if status.st_mode & 0o100 else 0o644
            with self.path.open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                archive.addfile(info, file)


def collect_entries(folder: Path) -> Iterator[ArchiveEntry]:
    """Yields all entries below a folder, in no particular order.

    Raises:
        ResultArchiveError: If a link leads out or to nothing, or something is neither a file nor a folder nor a link.
        OSError: If the folder cannot be read.
    """
    root = folder.resolve(strict=True)
    for parent, folders, files in os.walk(root, onerror=_fail):
        for path in (Path(parent, each) for each in (*folders, *files)):
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                yield ArchiveEntry(name, path, False, _resolve_link(path, name, root))
            elif path.is_dir() or path.is_file():
                yield ArchiveEntry(name, path, path.is_file())
            else:
                raise ResultArchiveError(
                    f"{name!r} in {str(folder)!r} is neither a file nor a folder; remove it, or write it elsewhere"
                )


def _resolve_link(path: Path, name: str, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # a loop is a RuntimeError before Python 3.13
        raise ResultArchiveError(f"{name!r} in {str(root)!r} is a link to nothing; remove it") from error
    if not target.is_relative_to(root):
        raise ResultArchiveError(
            f"{name!r} in {str(root)!r} is a link to {str(target)!r}, which is not in the folder; copy what it leads to"
        )
    return os.path.relpath(target, path.parent)


def _fail(error: OSError) -> NoReturn:
    raise error


@contextmanager
def translating_write_errors(what: str) -> Iterator[None]:
    """Raises, for an OSError inside, as :func:`describe_os_error` does, that ``what`` cannot be written."""
    try:
        yield
    except OSError as error:
        raise describe_os_error(
            f"{what} cannot be written: {error.strerror or error} ({error.filename})", error
        ) from error


def describe_os_error(message: str, error: OSError) -> DeliveryError:
    """Tells what is wrong with this machine's disk from what is wrong with an archive or a folder."""
    return (StorageError if is_of_the_disk(error) else ResultArchiveError)(message)
