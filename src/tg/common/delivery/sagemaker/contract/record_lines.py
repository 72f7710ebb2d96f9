"""Record lines: what a job tells its launcher through its log besides text; no run keeps them, and nobody sees them.

The form is ``<marker><number>:<JSON>###`` and the line's end, or in several lines, where one would be too long,
``<marker><number>.<piece>/<pieces>:<part of the JSON>###``. ``<number>:`` may be missing in the former. A record is an
object with the key ``op``. Pieces count from 1. The JSON is ASCII, and has no ``#``.

A line may stand behind other output that has not ended its line; the line's end belongs to it. Terminal control
sequences in it are ignored. ``mlflow_lines`` and ``job_lines`` have the two markers.
"""

import json
import os
import re
import select
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .metric_lines import ESCAPE

# One write of at most this size to a pipe is never mixed with others (POSIX: PIPE_BUF, which Linux has as 4096).
LONGEST_LINE = 3_900

_END = b"###"
_REST = rb"(?:(?P<number>\d{1,18})(?:\.(?P<piece>\d{1,9})/(?P<pieces>\d{1,9}))?:)?(?P<text>[^#\r\n]*)###\r?\n?"
# The marker, the number, that of a piece and that of the pieces, with what stands between them.
_LONGEST_HEAD = 76
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
# The longest record that takes one line.
LONGEST_RECORD = LONGEST_LINE - len(_END) - _LONGEST_HEAD


class LineRecord(NamedTuple):
    """One record.

    Attributes:
        number: Its number; 0 if it has none.
        content: What it says: an object with the key ``op``.
    """

    number: int
    content: dict[str, Any]


def format_record_lines(marker: bytes, number: int, content: str) -> Iterator[bytes]:
    """Formats one record as lines of the log, each with its end.

    Args:
        marker: What the lines begin with.
        number: Its number.
        content: What :func:`format_content` has formatted.
    """
    text = content.encode("ascii")
    if len(text) <= LONGEST_RECORD:
        yield b"%s%d:%s%s\n" % (marker, number, text, _END)
        return
    pieces = [text[start : start + LONGEST_RECORD] for start in range(0, len(text), LONGEST_RECORD)]
    for count, piece in enumerate(pieces, start=1):
        yield b"%s%d.%d/%d:%s%s\n" % (marker, number, count, len(pieces), piece, _END)


def format_content(content: Mapping[str, Any]) -> str:
    """Formats a record as JSON in ASCII, without line ends and ``#``.

    Raises:
        ValueError: If a number is not finite, which JSON does not have.
    """
    return _ENCODER.encode(content).replace("#", "\\u0023")


def write_line(descriptor: int, line: bytes) -> None:
    """Writes a line at once, so that nothing can come between. If nothing reads the log, the training goes on."""
    while True:
        try:
            os.write(descriptor, line)
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError:
            return
        else:
            return


class RecordLineParser:
    """Parses records from a job's log, in pieces of any size.

    Args:
        marker: What their lines begin with.

    Attributes:
        unreadable_count: How many markers did not begin a readable line so far.
    """

    def __init__(self, marker: bytes) -> None:
        self.unreadable_count = 0
        self._marker = marker
        self._line = re.compile(re.escape(marker) + _REST)
        self._rest = b""
        self._pieces: dict[int, dict[int, bytes]] = {}

    def feed(self, data: bytes) -> tuple[bytes, list[LineRecord]]:
        """Parses the next bytes.

        Returns:
            The log without the lines, and the records that are complete now. What may be the beginning of a line is
            held back.
        """
        buffer = self._rest + data
        end = buffer.rfind(b"\n") + 1
        begun = buffer.find(self._marker, end)
        if begun < 0:
            begun = len(buffer) - self._count_begun(buffer)
        end = len(buffer) if len(buffer) - begun > LONGEST_LINE else max(end, begun)
        self._rest = buffer[end:]
        return self._read(buffer[:end])

    def finish(self) -> tuple[bytes, list[LineRecord]]:
        """Ends the log, and returns what was held back."""
        text, self._rest = self._rest, b""
        return self._read(text)

    def _read(self, text: bytes) -> tuple[bytes, list[LineRecord]]:
        if self._marker not in text:
            return text, []
        records: list[LineRecord] = []

        def take(found: "re.Match[bytes]") -> bytes:
            content = self._complete(found)
            if content is not None:
                record = _parse_content(content)
                if record is None:
                    self.unreadable_count += 1
                else:
                    records.append(LineRecord(int(found["number"] or 0), record))
            return b""

        kept = self._line.sub(take, text)
        self.unreadable_count += kept.count(self._marker)
        return kept, records

    def _complete(self, found: "re.Match[bytes]") -> bytes | None:
        """Returns the JSON that a line completes; ``None`` if pieces of it are still to come, or one is missing."""
        text = found["text"]
        if b"\x1b" in text:  # a terminal's control sequence; in the JSON itself, this byte is escaped
            text = ESCAPE.sub(b"", text)
        if found["piece"] is None:
            return text
        number, piece, pieces = (int(found[name]) for name in ("number", "piece", "pieces"))
        held = self._pieces.setdefault(number, {})
        if piece in held:  # an earlier attempt of the job has left a part of its own
            held.clear()
        held[piece] = text
        if len(held) < pieces:
            return None
        del self._pieces[number]
        return b"".join(held[each] for each in sorted(held))

    def _count_begun(self, text: bytes) -> int:
        """Counts the bytes at the end with which a marker may begin."""
        marker = self._marker
        return next((count for count in range(len(marker) - 1, 0, -1) if text.endswith(marker[:count])), 0)


def _parse_content(text: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
