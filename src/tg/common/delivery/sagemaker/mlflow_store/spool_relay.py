"""The thread of a job that passes what its processes record with MLflow on to the job's log."""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from ....logger import Logger
from ..contract.mlflow_lines import format_mlflow_lines
from ..contract.record_lines import LONGEST_RECORD, write_line

# No event tells of what other processes write.
_PAUSE_SECONDS = 0.1
_CHUNK_BYTES = 1 << 20
_NOTE = b'{"op":"note"'
# What a record of nothing but metrics begins with, and what it ends with.
_METRICS = re.compile(rb'\{"op":"batch","run":"[^"]*","params":\[\],"tags":\[\],"metrics":\[')
_METRICS_END = b"]}"


class SpoolRelay:
    """Numbers the records of a spool and prints them to this process's stdout, in a thread.

    A context: at its end, everything is printed.

    Args:
        path: The spool's file, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._output = os.dup(1)  # wherever a task redirects it later
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
            self._try_to_pass_on()
        if (trouble := self._try_to_pass_on()) is not None:
            Logger.warning(f"What is recorded with MLflow is not all in the log: {trouble}")
        os.close(self._output)
        if self._file is not None:
            os.close(self._file)

    def _try_to_pass_on(self) -> OSError | None:
        try:
            self._pass_on()
        except OSError as error:  # of the disk; what could not be read is read the next time
            return error
        return None

    def _pass_on(self) -> None:
        """Prints what is there."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
        while data := os.read(self._file, _CHUNK_BYTES):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for record in join_metrics(lines):
                self._print(record)

    def _print(self, record: bytes) -> None:
        if record.startswith(_NOTE):
            if record in self._notes:
                return
            self._notes.add(record)
        self._sequence += 1
        for line in format_mlflow_lines(self._sequence, record.decode("ascii")):
            write_line(self._output, line)


def join_metrics(records: Iterable[bytes]) -> Iterator[bytes]:
    """Joins records of metrics of one run that follow each other: a log has one line then instead of dozens."""
    held, head = b"", b""
    for record in records:
        if head and record.startswith(head) and len(held) + len(record) - len(head) < LONGEST_RECORD:
            held = held.removesuffix(_METRICS_END) + b"," + record[len(head) :]
            continue
        if held:
            yield held
        found = _METRICS.match(record)
        held, head = record, found[0] if found else b""
    if held:
        yield held
