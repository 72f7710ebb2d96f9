"""A lock on a file, for which processes of this machine wait."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..logger import Logger
from .waits import waiting_for


@contextmanager
def locking_file(path: Path, holder: str) -> Iterator[int]:
    """Holds a lock that one process has at a time; it ends with this process and its children.

    The file stays, as others may wait for it.

    Args:
        path: The file; it is made, and its folder, too.
        holder: Who else may have it, for the log: ``another launcher, which …``.

    Yields:
        The file's descriptor, for children that are to hold the lock, too.

    Raises:
        OSError: If the file cannot be made or locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            Logger.info(f"Waiting for {holder}")
            with waiting_for(holder):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)
