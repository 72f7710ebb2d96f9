"""The current folder of a training that shares its process with its launcher."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# See unshare(2): the current folder is this thread's own from then on, and that of threads that it starts.
_CLONE_FS = 0x200


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Makes ``folder``, which is created, the current one while the context is open.

    Where the system can do it, and lets us, only for this thread and those that it starts: the launcher's others go on
    with paths that are relative to where they were.
    """
    folder.mkdir(exist_ok=True)
    previous, path = os.getcwd(), list(sys.path)
    with suppress(OSError, AttributeError):  # which other systems raise: then it is the whole process that is there
        ctypes.CDLL(None).unshare(_CLONE_FS)
    # The empty entry, which interactive Pythons have, stands for the current folder: modules are where they were.
    sys.path[:] = [entry or previous for entry in sys.path]
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(previous)
        if "" in path:
            sys.path[:] = path
