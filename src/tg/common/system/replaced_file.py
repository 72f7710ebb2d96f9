"""A file that is never seen half written."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing_file(target: Path) -> Iterator[IO[bytes]]:
    """Gives a file that takes the name ``target`` when it is written, and vanishes if that fails.

    Anybody can read it then, as if it had been written under its name.

    Raises:
        OSError: If it cannot be written.
    """
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise
