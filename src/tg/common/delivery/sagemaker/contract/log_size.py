"""How much a training has written: the job counts it and says so, and the launcher counts what it has read.

On its way, a log changes: Docker replaces bytes that are not UTF-8, and CloudWatch leaves blank lines out and makes
several of a very long one. What is counted survives that.

A job's last line is ``###LOG###lines:120;metrics:33;ascii:4523###``. It is for the launcher, which keeps it out of the
run's log. ``completed.json`` says the same, for the case that this line, too, is lost. In a container that is started
again, ``###LOG###again###`` follows, and what is counted begins anew.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .log_event import LogEvent
from .metric_lines import MARKER

_END = re.compile(rb"###LOG###lines:(\d{1,18});metrics:(\d{1,18});ascii:(\d{1,18})###\r?\n?")
# The first line of a container that is started again.
AGAIN = b"###LOG###again###\n"
_BLANKS = b" \t\r\v\f"
_NOT_ASCII = bytes(range(128, 256))
# Unlike the whole marker, it cannot overlap with another one, so that any division of a log gives the same count.
_METRIC = MARKER.rstrip(b"#")


@dataclass(frozen=True)
class LogSize:
    """How much of a log there is.

    Attributes:
        lines: How many lines have more than white space.
        metrics: How many metrics begin in them, readable or not.
        ascii: How many bytes are ASCII characters, line ends included.
    """

    lines: int = 0
    metrics: int = 0
    ascii: int = 0

    def find_missing(self, here: "LogSize", is_exact: bool) -> str | None:
        """Says what is missing of a log of this size; ``None`` if nothing is.

        Args:
            here: How much of it is here.
            is_exact: Whether the log's way keeps each character.
        """
        if here.lines < self.lines:
            return f"{here.lines:,} of its {self.lines:,} lines are here"
        if here.metrics < self.metrics:
            return f"{here.metrics:,} of its {self.metrics:,} metrics are here"
        if is_exact and here.ascii < self.ascii:
            return f"{here.ascii:,} of its {self.ascii:,} ASCII characters are here"
        return None

    def to_json(self) -> dict[str, int]:
        """Returns it as :meth:`from_json` reads it."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "LogSize":
        """Reads a size.

        Raises:
            ValueError: Like KeyError and TypeError: if it is none.
        """
        return LogSize(int(content["lines"]), int(content["metrics"]), int(content["ascii"]))


class LogCounter:
    """Counts a log, in pieces of any size."""

    def __init__(self) -> None:
        self._lines = self._metrics = self._ascii = 0
        self._is_in_line = False  # a line has begun that is not blank
        self._end = b""  # where a marker may have begun

    def feed(self, data: bytes) -> None:
        """Counts the next bytes."""
        # Plain methods of bytes, as a log may have gigabytes.
        self._ascii += len(data) if data.isascii() else len(data.translate(None, _NOT_ASCII))
        lines = data.translate(None, _BLANKS).split(b"\n")
        if self._is_in_line:
            lines[0] = b"begun"
        self._is_in_line = bool(lines.pop())
        self._lines += len(lines) - lines.count(b"")
        joined = self._end + data
        self._metrics += joined.count(_METRIC)
        self._end = joined[-len(_METRIC) + 1 :]

    @property
    def size(self) -> LogSize:
        """What has been counted so far."""
        return LogSize(self._lines + self._is_in_line, self._metrics, self._ascii)


def format_log_end(size: LogSize) -> bytes:
    """Formats the last line of a log of this size."""
    return b"###LOG###lines:%d;metrics:%d;ascii:%d###\n" % (size.lines, size.metrics, size.ascii)


def parse_log_end(line: bytes) -> LogSize | None:
    """Parses what :func:`format_log_end` has formatted, with or without the line's end; ``None`` for another line."""
    found = _END.fullmatch(line)
    return None if found is None else LogSize(*map(int, found.groups()))


def without_log_ends(events: Iterator[LogEvent]) -> Iterator[LogEvent]:
    """Leaves out the line that says how long a log is, if it is the last one, and those of earlier starts.

    Args:
        events: A log, with each of these lines as an event of its own.
    """
    held = None
    for event in events:
        if event.data.rstrip() == AGAIN.rstrip():
            held = None
            continue
        if held is not None:
            yield held
            held = None
        if parse_log_end(event.data) is not None:
            held = event
        else:
            yield event
