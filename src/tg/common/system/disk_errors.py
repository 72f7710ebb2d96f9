"""Tells what a disk has against a file."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
# It is full, or away, or nothing may be written there.
_OF_THE_DISK = {
    *_FULL,
    errno.EIO,
    errno.EROFS,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EACCES,
    errno.EPERM,
}


def is_of_the_disk(error: OSError) -> bool:
    """Returns whether an error is the disk's, so that the same may succeed later, or elsewhere."""
    return error.errno in _OF_THE_DISK


def find_full(error: OSError) -> str | None:
    """Returns how a disk is full, such as ``the disk is full``; ``None`` if an error says something else."""
    return _FULL.get(error.errno or 0)


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Names a file in each error of the disk inside that names none, as those of writing do.

    Raises:
        OSError: With the file's path.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or not is_of_the_disk(error):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def is_temporary(error: OSError) -> bool:
    """Returns whether an error names a file in the folder for temporary files."""
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(tempfile.gettempdir())


def describe_full_folder(error: OSError) -> str | None:
    """Says that the folder for temporary files is full, and what to do; ``None`` if an error says something else."""
    full = find_full(error)
    if full is None or not is_temporary(error):
        return None
    return (
        f"temporary files cannot be written to {tempfile.gettempdir()!r}: {full}; free space there, or set TMPDIR to "
        "another folder"
    )
