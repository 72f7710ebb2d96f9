"""The thread of a job that passes what its processes record with MLflow on to the job's log."""

import os
import select
import threading
from pathlib import Path

from ..contract.mlflow_lines import format_mlflow_lines

# No event tells of what other processes write.
_PAUSE_SECONDS = 0.1
_CHUNK_BYTES = 1 << 20
_NOTE = b'{"op":"note"'


class SpoolRelay:
    """Numbers the records of a spool and prints them, in a thread. A context: at its end, everything is printed.

    Args:
        path: The spool's file, which may not be there yet.
        output: The descriptor of the job's log.
    """

    def __init__(self, path: Path, output: int) -> None:
        self._path = path
        self._output = output
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tg-mlflow-relay", daemon=True)
        self._file: int | None = None
        self._rest = b""
        self._sequence = 0
        self._notes = set[bytes]()

    def __enter__(self) -> "SpoolRelay":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_PAUSE_SECONDS):
            self._pass_on()
        self._pass_on()
        if self._file is not None:
            os.close(self._file)

    def _pass_on(self) -> None:
        """Prints what is there."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
        while data := os.read(self._file, _CHUNK_BYTES):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._print(line)

    def _print(self, record: bytes) -> None:
        if record.startswith(_NOTE):
            if record in self._notes:
                return
            self._notes.add(record)
        self._sequence += 1
        for line in format_mlflow_lines(self._sequence, record.decode("ascii")):
            self._write(line)

    def _write(self, line: bytes) -> None:
        """Writes a line at once, so that nothing can come between. If nothing reads the log, the training goes on."""
        while True:
            try:
                os.write(self._output, line)
            except BlockingIOError:
                select.select([], [self._output], [])
            except OSError:
                return
            else:
                return
