"""MLflow lines: how what a job's code gives to MLflow reaches the launcher through the job's log.

The form is ``###MLFLOW###<sequence>:<JSON>###`` and the line's end, or in several lines, where one would be too long,
``###MLFLOW###<sequence>.<piece>/<pieces>:<part of the JSON>###``. A record is an object with the key ``op``. Sequence
numbers and pieces count from 1; each attempt of a job begins anew. The JSON is ASCII, and has no ``#``.

A line may stand behind other output that has not ended its line; the line's end belongs to it. Terminal control
sequences in it are ignored.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .metric_lines import ESCAPE

MARKER = b"###MLFLOW###"

# One write of at most this size to a pipe is never mixed with others (POSIX: PIPE_BUF, which Linux has as 4096).
LONGEST_LINE = 3_900

_END = b"###"
_LINE = re.compile(
    rb"###MLFLOW###(?P<sequence>\d{1,18})(?:\.(?P<piece>\d{1,9})/(?P<pieces>\d{1,9}))?:(?P<text>[^#\r\n]*)###\r?\n?"
)
# A sequence number, the number of a piece and that of the pieces, with what stands between them.
_LONGEST_HEAD = 64
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
# The longest record that takes one line.
LONGEST_RECORD = LONGEST_LINE - len(MARKER) - len(_END) - _LONGEST_HEAD


class MlflowRecord(NamedTuple):
    """One change.

    Attributes:
        sequence: Its number among those of the job's attempt, from 1.
        content: What has changed: an object with the key ``op``.
    """

    sequence: int
    content: dict[str, Any]


def format_mlflow_lines(sequence: int, content: str) -> Iterator[bytes]:
    """Formats one record as lines of the log, each with its end.

    Args:
        sequence: Its number.
        content: What :func:`format_content` has formatted.
    """
    text = content.encode("ascii")
    if len(text) <= LONGEST_RECORD:
        yield b"%s%d:%s%s\n" % (MARKER, sequence, text, _END)
        return
    pieces = [text[start : start + LONGEST_RECORD] for start in range(0, len(text), LONGEST_RECORD)]
    for number, piece in enumerate(pieces, start=1):
        yield b"%s%d.%d/%d:%s%s\n" % (MARKER, sequence, number, len(pieces), piece, _END)


def format_content(content: Mapping[str, Any]) -> str:
    """Formats a record as JSON in ASCII, without line ends and ``#``.

    Raises:
        ValueError: If a number is not finite, which JSON does not have.
    """
    return _ENCODER.encode(content).replace("#", "\\u0023")


class MlflowLineParser:
    """Parses records from a job's log, in pieces of any size.

    Attributes:
        unreadable_count: How many markers did not begin a readable line so far.
    """

    def __init__(self) -> None:
        self.unreadable_count = 0
        self._rest = b""
        self._pieces: dict[int, dict[int, bytes]] = {}

    def feed(self, data: bytes) -> tuple[bytes, list[MlflowRecord]]:
        """Parses the next bytes.

        Returns:
            The log without the lines, and the records that are complete now. What may be the beginning of a line is
            held back.
        """
        buffer = self._rest + data
        end = buffer.rfind(b"\n") + 1
        begun = buffer.find(MARKER, end)
        if begun < 0:
            begun = len(buffer) - _count_begun(buffer)
        end = len(buffer) if len(buffer) - begun > LONGEST_LINE else max(end, begun)
        self._rest = buffer[end:]
        return self._read(buffer[:end])

    def finish(self) -> tuple[bytes, list[MlflowRecord]]:
        """Ends the log, and returns what was held back."""
        text, self._rest = self._rest, b""
        return self._read(text)

    def _read(self, text: bytes) -> tuple[bytes, list[MlflowRecord]]:
        if MARKER not in text:
            return text, []
        records: list[MlflowRecord] = []

        def take(found: "re.Match[bytes]") -> bytes:
            content = self._complete(found)
            if content is not None:
                record = _parse_content(content)
                if record is None:
                    self.unreadable_count += 1
                else:
                    records.append(MlflowRecord(int(found["sequence"]), record))
            return b""

        kept = _LINE.sub(take, text)
        self.unreadable_count += kept.count(MARKER)
        return kept, records

    def _complete(self, found: "re.Match[bytes]") -> bytes | None:
        """Returns the JSON that a line completes; ``None`` if pieces of it are still to come, or one is missing."""
        text = found["text"]
        if b"\x1b" in text:  # a terminal's control sequence; in the JSON itself, this byte is escaped
            text = ESCAPE.sub(b"", text)
        if found["piece"] is None:
            return text
        sequence, piece, pieces = (int(found[name]) for name in ("sequence", "piece", "pieces"))
        held = self._pieces.setdefault(sequence, {})
        if piece in held:  # an earlier attempt of the job has left a part of its own
            held.clear()
        held[piece] = text
        if len(held) < pieces:
            return None
        del self._pieces[sequence]
        return b"".join(held[number] for number in sorted(held))


def _parse_content(text: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _count_begun(text: bytes) -> int:
    """Counts the bytes at the end with which a marker may begin."""
    return next((count for count in range(len(MARKER) - 1, 0, -1) if text.endswith(MARKER[:count])), 0)
