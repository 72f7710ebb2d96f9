"""Where this machine keeps its jobs, and what is wrong if it cannot."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....errors import StorageError
from ....system.disk_errors import find_full, is_of_the_disk
from ....system.user_folders import FolderKind, find_user_folder

VARIABLE = "TG_JOBS_PATH"

_CLOSED = {
    errno.EROFS: "it is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a part of the path is a file",
}


def jobs_path() -> Path:
    """Returns the folder of all jobs: ``TG_JOBS_PATH``, by default ``tg-mlflow/jobs`` in the user's state folder.

    Raises:
        StorageError: If the user has no home folder.
    """
    return find_user_folder(FolderKind.STATE, "jobs", VARIABLE)


@contextmanager
def keeping_jobs() -> Iterator[None]:
    """Says why nothing can be written below the folder of all jobs, in place of an OSError inside.

    Raises:
        StorageError: In place of an error that is about that folder.
    """
    try:
        yield
    except OSError as error:
        if not _is_of_jobs(error):
            raise
        raise StorageError(_describe(error)) from error


@contextmanager
def reading_jobs() -> Iterator[None]:
    """Says in one line that the disk does not give what is kept of a job, in place of an OSError inside.

    Raises:
        StorageError: In place of an error of the disk, which may pass; a file that is not there is none.
    """
    try:
        yield
    except OSError as error:
        if not is_of_the_disk(error):
            raise
        what = jobs_path() if error.filename is None else os.fsdecode(error.filename)
        raise StorageError(
            f"{str(what)!r}, which is kept of a job, cannot be read: {error.strerror}; when it can be, try again"
        ) from error


def _is_of_jobs(error: OSError) -> bool:
    """Returns whether an error is about the folder of jobs, one in it or above it; one without a path may be."""
    jobs, paths = jobs_path(), [Path(os.fsdecode(each)) for each in (error.filename, error.filename2) if each]
    return not paths or any(path.is_relative_to(jobs) or jobs.is_relative_to(path) for path in paths)


def _describe(error: OSError) -> str:
    what = f"jobs cannot be kept in {str(jobs_path())!r}"
    if reason := find_full(error):
        return f"{what}: {reason}; free space there, or set {VARIABLE} to another folder"
    reason = _CLOSED.get(error.errno or 0) or error.strerror or str(error)
    return f"{what}: {reason}; set {VARIABLE} to a folder that you can write to"
