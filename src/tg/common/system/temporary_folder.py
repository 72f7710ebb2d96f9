"""A temporary folder that is removed even after Ctrl-C."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .interrupts import uninterrupted


@contextmanager
def temporary_folder(prefix: str = "tg-", parent: Path | None = None) -> Iterator[Path]:
    """Creates an empty folder that only this user can read, and removes it with its content at the end.

    Ctrl-C waits for the removal, which it would interrupt with :class:`tempfile.TemporaryDirectory`.

    Args:
        prefix: The beginning of its name.
        parent: The parent folder; by default the system's for temporary files.

    Raises:
        OSError: If it cannot be created; not if it cannot be removed.
        KeyboardInterrupt: For an interrupt that arrived while it was created or removed.
    """
    folder: tempfile.TemporaryDirectory[str] | None = None
    try:
        with uninterrupted() as held:
            folder = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
        held.raise_any()
        yield Path(folder.name)
    finally:
        with uninterrupted() as held:
            if folder is not None:
                folder.cleanup()
        held.raise_any()
