"""A folder for what is needed for a while, of which nothing is left whenever Ctrl-C comes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .interrupts import uninterrupted


@contextmanager
def temporary_folder(prefix: str = "tg-", parent: Path | None = None) -> Iterator[Path]:
    """Makes an empty folder that only this user can read; it goes with all that is in it when the context is left.

    Ctrl-C, which cuts :class:`tempfile.TemporaryDirectory` short in the midst of its removal, waits for that.

    Args:
        prefix: What its name begins with.
        parent: Where it is made; by default where the system wants such folders.

    Raises:
        OSError: If it cannot be made; not if it cannot be removed.
        KeyboardInterrupt: For an interrupt that came while it was made or removed.
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
