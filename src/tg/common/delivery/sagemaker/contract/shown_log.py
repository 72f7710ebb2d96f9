"""What is shown of a job's log to people: the text without record lines."""

from collections.abc import Iterator
from dataclasses import replace

from . import job_lines, mlflow_lines
from .log_event import LogEvent
from .record_lines import RecordLineParser


class ShownLog:
    """Takes record lines out of a log, in pieces of any size."""

    def __init__(self) -> None:
        self._parsers = [RecordLineParser(mlflow_lines.MARKER), RecordLineParser(job_lines.MARKER)]

    def feed(self, data: bytes) -> bytes:
        """Returns what may be shown so far; what may be the beginning of a line waits for more."""
        for parser in self._parsers:
            data, _ = parser.feed(data)
        return data

    def finish(self) -> bytes:
        """Ends the log, and returns what was held back."""
        data = b""
        for parser in self._parsers:
            data = parser.feed(data)[0] + parser.finish()[0]
        return data


def without_record_lines(events: Iterator[LogEvent]) -> Iterator[LogEvent]:
    """Leaves record lines out of a log."""
    shown, time_ms = ShownLog(), 0
    for event in events:
        time_ms = event.time_ms
        if data := shown.feed(event.data):
            yield replace(event, data=data)
    if data := shown.finish():
        yield LogEvent(data, time_ms)
