"""Removes files that may be made again and have not been for a long time."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LONGEST_UNCHANGED_SECONDS = 30 * 24 * 3600


def remove_old_files(files: Iterable[Path]) -> int:
    """Removes those that were last written more than 30 days ago; one that cannot be removed stays.

    Returns:
        How many it has removed.
    """
    removed = 0
    for file in files:
        with suppress(OSError):  # another process may remove it, too
            if time.time() - file.stat().st_mtime > _LONGEST_UNCHANGED_SECONDS:
                file.unlink()
                removed += 1
    return removed
