"""A temporary folder that is removed even after Ctrl-C; those of processes that were killed can be told and removed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .interrupts import uninterrupted

# Folders of this name are removed when nobody has locked them any more.
TEMPORARY_PREFIX = "tg-mlflow-tmp-"
# A folder that is made just now is not locked yet.
_YOUNG_SECONDS = 60


@contextmanager
def temporary_folder(prefix: str = TEMPORARY_PREFIX, parent: Path | None = None) -> Iterator[Path]:
    """Creates an empty folder that only this user can read, and removes it with its content at the end.

    Ctrl-C waits for the removal, which it would interrupt with :class:`tempfile.TemporaryDirectory`. The folder is
    locked while its owner lives, so that :func:`remove_left_folders` spares it.

    Args:
        prefix: The beginning of its name.
        parent: The parent folder; by default the system's for temporary files.

    Raises:
        OSError: If it cannot be created; not if it cannot be removed.
        KeyboardInterrupt: For an interrupt that arrived while it was created or removed.
    """
    folder: tempfile.TemporaryDirectory[str] | None = None
    lock: int | None = None
    try:
        with uninterrupted() as held:
            folder = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
            lock = lock_folder(Path(folder.name))
        held.raise_any()
        yield Path(folder.name)
    finally:
        with uninterrupted() as held:
            if folder is not None:
                folder.cleanup()
            if lock is not None:
                os.close(lock)
        held.raise_any()


def remove_left_folders() -> int:
    """Removes folders of this user's in the system's folder for temporary files whose owners are gone.

    Returns:
        How many it has removed.
    """
    removed = 0
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*")):
        with suppress(OSError):
            status = path.lstat()
            is_ours = path.is_dir() and not path.is_symlink() and status.st_uid == os.getuid()
            if is_ours and time.time() - status.st_mtime > _YOUNG_SECONDS and (lock := lock_folder(path)) is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
                removed += not path.exists()
    return removed


def lock_folder(path: Path) -> int | None:
    """Locks a folder until the returned descriptor is closed; ``None`` if another one has locked it, or none can."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor
    return None
