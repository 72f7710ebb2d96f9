"""The output of a host's processes: that of the first process is the training's, all other lines say whose they are."""

import os
import re
import threading
from collections.abc import Callable

from ..contract import job_lines, mlflow_lines
from ..contract.metric_lines import MARKER as METRIC_MARKER
from ..contract.own_lines import OwnLines

Sink = Callable[[bytes], None]

_CHUNK_BYTES = 1 << 16
# A line without an end is passed on in pieces.
_LONGEST_LINE = 1 << 20
_LINE_END = re.compile(rb"(?<=[\r\n])")
_RECORD_MARKERS = (job_lines.MARKER, mlflow_lines.MARKER)


def format_foreign(prefix: bytes, line: bytes) -> bytes:
    """Formats a line that is not of the first process: nothing in it counts as a metric or a record.

    Returns:
        It with its prefix; nothing of a record, which is for no reader, or of what each process says of itself.
    """
    if any(marker in line for marker in _RECORD_MARKERS):
        return b""
    own = OwnLines()
    if not own.feed(line) + own.finish():
        return b""
    return prefix + line.replace(METRIC_MARKER, b"metric ")


class OutputPump:
    """Passes the lines of a descriptor on, in a thread, until all that write to it have ended.

    Args:
        reader: The descriptor.
        sink: Takes whole lines; threads share it.
        prefix: What the lines begin with if they are not of the first process.
    """

    def __init__(self, reader: int, sink: Sink, prefix: bytes | None) -> None:
        self._reader = reader
        self._sink = sink
        self._prefix = prefix
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Waits until all is passed on, but not for ever: what a task has left running may hold the other end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        rest = b""
        while data := os.read(self._reader, _CHUNK_BYTES):
            *lines, rest = _LINE_END.split(rest + data)
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            self._pass_on(lines)
        if rest:
            self._pass_on([rest + b"\n"])
        os.close(self._reader)

    def _pass_on(self, lines: list[bytes]) -> None:
        if self._prefix is None:
            text = b"".join(lines)
        else:
            text = b"".join(format_foreign(self._prefix, each) for each in lines if each not in (b"\n", b"\r"))
        if text:
            self._sink(text)
