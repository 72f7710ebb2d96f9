"""A file that is replaced atomically."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .disk_errors import naming_file


@contextmanager
def replacing_file(target: Path, scratch: Path | None = None) -> Iterator[IO[bytes]]:
    """Opens a file that takes the name ``target`` once it is written, and is removed if that fails.

    Its permissions are those of an ordinarily written file.

    Args:
        target: The file.
        scratch: A folder of the same file system, where it is until then, and stays if the process is killed; by
            default the target's own.

    Raises:
        OSError: If it cannot be written.
    """
    with tempfile.NamedTemporaryFile(dir=scratch or target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            with naming_file(target):
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except BaseException:
            with suppress(OSError):  # which would hide what is wrong; it writes again what the disk has not taken
                file.close()
            with suppress(OSError):
                os.unlink(file.name)
            raise
