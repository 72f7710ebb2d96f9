"""The file through which a training's processes hand their changes to the job: one record a line."""

import atexit
import fcntl
import functools
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..contract.record_lines import format_content

_logger = logging.getLogger(__name__)


class Spool:
    """Appends records; processes and threads take turns.

    It never raises for a record: what the disk does not take is held back, and written with the next one.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin_process()
        os.register_at_fork(after_in_child=self._begin_process)
        atexit.register(self._write_held)

    def _begin_process(self) -> None:
        """Begins anew: a forked process has its own lock, its own turns and nothing that is held back."""
        self._lock = threading.RLock()
        self._file: int | None = None
        self._depth = 0
        self._held = b""
        self._has_warned = False

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Lets nobody else write while the context is open, and yields how many bytes have been written.

        Raises:
            OSError: If the file cannot be opened.
        """
        with self._lock:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._depth += 1
            try:
                if self._depth == 1:
                    with suppress(OSError):  # some file systems have no locks
                        fcntl.flock(self._file, fcntl.LOCK_EX)
                yield os.fstat(self._file).st_size
            finally:
                self._depth -= 1
                if self._depth == 0:
                    with suppress(OSError):
                        fcntl.flock(self._file, fcntl.LOCK_UN)

    def write(self, record: Mapping[str, Any]) -> None:
        """Writes a record."""
        with self._lock:
            self._held += format_content(record).encode("ascii") + b"\n"
            self._write_held()

    def _write_held(self) -> None:
        if not self._held:
            return
        try:
            with self.locked() as size:
                assert self._file is not None
                written = os.write(self._file, self._held)
                if written < len(self._held):
                    os.ftruncate(self._file, size)
                    raise OSError("the disk is full")
            self._held = b""
        except OSError as error:
            if not self._has_warned:
                _logger.warning(
                    "What is recorded with MLflow is held back, as %s cannot be written: %s", self._path, error
                )
            self._has_warned = True


@functools.cache
def open_spool(path: Path) -> Spool:
    """Opens a spool, once in a process: what takes turns within it shares one."""
    return Spool(path)
