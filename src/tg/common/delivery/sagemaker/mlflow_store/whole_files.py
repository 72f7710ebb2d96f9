"""Writes the small files of MLflow's store such that nobody reads a half of one.

MLflow's autologging reads in one thread what it writes in another, and so do processes of one training.
"""

import os
import tempfile
from pathlib import Path


def write_whole(scratch: Path, path: str, content: str) -> None:
    """Writes a file: others read it as it was before, or with all of its new content.

    Args:
        scratch: A folder of the same file system, whose files nobody reads.
        path: The file.
        content: Its new content.
    """
    descriptor, temporary = tempfile.mkstemp(dir=scratch)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
