"""Metric lines: how a training says a number so that whoever reads its log can record it.

The form is ``###METRIC###<name>:<value>###``, optionally followed by ``step:<int>;time:<epoch ms>###``, where either
field may stand alone. It may stand anywhere in a line, and several times. A name may hold colons: the last one divides
it from the value. In the plain form of the in-memory environment, ``###<name>:<value>``, a metric ends with its line.
"""

import re
from typing import NamedTuple

MARKER = b"###METRIC###"
PLAIN_MARKER = b"###"

_END = b"###"
_FIELDS = re.compile(rb"(?:step:(-?\d{1,18})(?:;time:(\d{1,18}))?|time:(\d{1,18}))###")
# What most numbers consist of; the others, and what Python would read besides, are looked at more closely.
_DIGITS = b"0123456789.+-e"
_NUMBER = re.compile(
    rb"[ \t]*[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf|infinity)[ \t]*", re.IGNORECASE
)
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_LINE_END = re.compile(rb"[\r\n]")

# A line may go on without an end; what is before its last marker, or further back than this, is not kept.
_LONGEST_METRIC = 4096
# The longest the optional fields can be.
_LONGEST_FIELDS = 64


class MetricPoint(NamedTuple):
    """One value of a metric.

    Attributes:
        name: The metric's name, as the training wrote it.
        value: The value; NaN and infinities are values.
        step: The step that the training gave, else the number of values of this name that came before.
        time_ms: The time that the training gave, else that of the log event; milliseconds since 1970 (UTC).
    """

    name: str
    value: float
    step: int
    time_ms: int


def format_metric_line(name: str, value: float, step: int | None = None, time_ms: int | None = None) -> str:
    """Writes one metric; :class:`MetricLineParser` reads the same value back, to the last digit."""
    fields = [
        *([] if step is None else [f"step:{step}"]),
        *([] if time_ms is None else [f"time:{time_ms}"]),
    ]
    return f"###METRIC###{name}:{value!r}###" + (";".join(fields) + "###" if fields else "")


class MetricLineParser:
    """Reads metrics from a training's output, in whatever pieces it comes: any division gives the same metrics.

    It never raises for what a training writes: what looks like a metric and cannot be read is counted. Its memory does
    not grow with the output, but with the number of different names.

    Args:
        plain: Whether to read the plain form instead, which ends with its line.

    Attributes:
        unreadable_count: How many markers were no readable metric so far.
        first_unreadable: The beginning of the first of these, as text; ``None`` if there is none.
    """

    def __init__(self, plain: bool = False) -> None:
        self.unreadable_count = 0
        self.first_unreadable: str | None = None
        self._is_plain = plain
        self._marker = PLAIN_MARKER if plain else MARKER
        self._rest = b""
        self._next_steps: dict[str, int] = {}
        self._names: dict[bytes, str] = {}

    def feed(self, data: bytes, time_ms: int) -> list[MetricPoint]:
        """Takes the next bytes, which were written at ``time_ms``, and returns the metrics that they complete."""
        buffer = self._rest + data if self._rest else data
        end = max(buffer.rfind(b"\n"), buffer.rfind(b"\r")) + 1
        points = self._read(buffer[:end], time_ms) if end else []
        self._rest = buffer[end:]
        if len(self._rest) > _LONGEST_METRIC:
            points += self._read_open_line(time_ms)
        return points

    def finish(self, time_ms: int) -> list[MetricPoint]:
        """Says that nothing more comes, and returns the metrics that only waited for more."""
        points, self._rest = self._read(self._rest, time_ms), b""
        return points

    def _read(self, text: bytes, time_ms: int) -> list[MetricPoint]:
        """Reads text in which every line has ended."""
        pieces = text.split(self._marker)
        if len(pieces) == 1:
            return []
        if b"\x1b" in text:
            pieces = _COLOUR.sub(b"", text).split(self._marker)
        points: list[MetricPoint] = []
        names, next_steps = self._names, self._next_steps
        for piece in pieces[1:]:
            # Plain methods of bytes, since a regular expression takes twice the time for all of it.
            body, end, rest = self._partition_line(piece) if self._is_plain else piece.partition(_END)
            raw_name, _, raw_value = body.rpartition(b":")
            name = names.get(raw_name) or self._add_name(raw_name)
            if not (end and name) or (raw_value.strip(_DIGITS) and not _NUMBER.fullmatch(raw_value)):
                self._count_unreadable(piece)
                continue
            try:
                value = float(raw_value)
            except ValueError:
                self._count_unreadable(piece)
                continue
            step = next_steps.get(name, 0)
            next_steps[name] = step + 1
            own_time = time_ms
            if rest[:5] in (b"step:", b"time:") and (fields := _FIELDS.match(rest)):
                step = int(fields[1]) if fields[1] else step
                own_time = int(fields[2] or fields[3] or time_ms)
            points.append(MetricPoint(name, value, step, own_time))
        return points

    def _read_open_line(self, time_ms: int) -> list[MetricPoint]:
        """Reads what is complete in a long line that has not ended, and keeps its end."""
        enough = len(self._rest) - _LONGEST_FIELDS
        cut = self._rest.rfind(self._marker, 0, enough)
        end = self._rest.find(_END, cut + len(self._marker), enough) if cut >= 0 and not self._is_plain else -1
        if end >= 0 or cut < 0 or len(self._rest) - cut > _LONGEST_METRIC:
            # Either the last metric is complete, with what may follow it, or there is none that could still be.
            cut = enough if end < 0 else self._end_of_fields(end + len(_END))
        points = self._read(self._rest[:cut], time_ms)
        self._rest = self._rest[cut:]
        return points

    def _end_of_fields(self, position: int) -> int:
        fields = _FIELDS.match(self._rest, position)
        return fields.end() if fields else position

    @staticmethod
    def _partition_line(piece: bytes) -> tuple[bytes, bytes, bytes]:
        """Divides a plain metric from what follows: it ends with its line, or the text."""
        end = _LINE_END.search(piece)
        return (piece[: end.start()], _END, b"") if end else (piece, _END, b"")

    def _add_name(self, raw_name: bytes) -> str | None:
        """Decodes a name that is seen for the first time; ``None`` if it is no name."""
        if not raw_name.strip() or _LINE_END.search(raw_name):
            return None
        name = self._names[raw_name] = raw_name.decode("utf-8", errors="replace").strip()
        return name

    def _count_unreadable(self, piece: bytes) -> None:
        self.unreadable_count += 1
        if self.first_unreadable is None:
            line = _LINE_END.split(self._marker + piece, maxsplit=1)[0]
            self.first_unreadable = line[:200].decode("utf-8", errors="replace")
