"""Metric lines: how a training says a number so that whoever reads its log can record it.

The form is ``###METRIC###<name>:<value>###``, optionally followed by ``step:<int>;time:<epoch ms>###``, where either
field may stand alone. It may stand anywhere in a line, and several times. A name may hold colons: the last one divides
it from the value.
"""

import re
from dataclasses import dataclass

MARKER = b"###METRIC###"

_METRIC = re.compile(
    rb"###METRIC###(?P<name>(?:(?!###)[^\r\n])*?):(?P<value>[^\r\n:#]*)###"
    rb"(?:step:(?P<step>-?\d{1,18})(?:;time:(?P<time>\d{1,18}))?###|time:(?P<only_time>\d{1,18})###)?"
)
_NUMBER = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_LINE_END = re.compile(rb"[\r\n]")

# The longest the optional fields can be; once so much has followed a metric, or the line has ended, it is complete.
_LONGEST_FIELDS = 64
# A line with a marker and no metric within so many bytes is given up, so that memory stays bounded.
_LONGEST_METRIC = 4096


@dataclass(frozen=True)
class MetricPoint:
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
    """Reads metrics from a training's output, in whatever pieces it comes.

    It never raises for what a training writes: what looks like a metric and cannot be read is counted.

    Attributes:
        unreadable_count: How many markers were no readable metric so far.
        first_unreadable: The beginning of the first of these, as text; ``None`` if there is none.
    """

    def __init__(self) -> None:
        self.unreadable_count = 0
        self.first_unreadable: str | None = None
        self._rest = b""
        self._counts: dict[str, int] = {}

    def feed(self, data: bytes, time_ms: int) -> list[MetricPoint]:
        """Takes the next bytes, which were written at ``time_ms``, and returns the metrics that they complete."""
        self._rest += data
        return self._read(time_ms, at_end=False)

    def finish(self, time_ms: int) -> list[MetricPoint]:
        """Says that nothing more comes, and returns the metrics that only waited for more."""
        return self._read(time_ms, at_end=True)

    def _read(self, time_ms: int, at_end: bool) -> list[MetricPoint]:
        buffer, points, position = self._rest, [], 0
        while (start := buffer.find(MARKER, position)) >= 0:
            line_end = _LINE_END.search(buffer, start)
            match = _METRIC.match(buffer, start)
            if match is None:
                if line_end is None and not at_end and len(buffer) - start < _LONGEST_METRIC:
                    break  # the rest of it may still come
                self._count_unreadable(buffer[start:])
                position = start + len(MARKER)
                continue
            if line_end is None and not at_end and len(buffer) - match.end() < _LONGEST_FIELDS:
                break  # its step and time may still come
            position = match.end()
            point = self._to_point(match, time_ms)
            if point is None:
                self._count_unreadable(match.group())
            else:
                points.append(point)
        else:
            # No marker is left, but the buffer may end in the middle of one.
            start = max(position, len(buffer) - len(MARKER) + 1)
        self._rest = b"" if at_end else buffer[start:]
        return points

    def _to_point(self, match: "re.Match[bytes]", time_ms: int) -> MetricPoint | None:
        name = match["name"].decode("utf-8", errors="replace").strip()
        value = match["value"].strip()
        if not name or not _NUMBER.fullmatch(value):
            return None
        count = self._counts[name] = self._counts.get(name, -1) + 1
        own_time = match["time"] or match["only_time"]
        return MetricPoint(
            name=name,
            value=float(value),
            step=int(match["step"]) if match["step"] else count,
            time_ms=int(own_time) if own_time else time_ms,
        )

    def _count_unreadable(self, text: bytes) -> None:
        self.unreadable_count += 1
        if self.first_unreadable is None:
            self.first_unreadable = _LINE_END.split(text, maxsplit=1)[0][:200].decode("utf-8", errors="replace")
