"""Metric lines: how a training reports numbers in its log so that a reader can record them.

The form is ``###METRIC###<name>:<value>###``, optionally followed by ``step:<int>;time:<epoch ms>###``, where either
field may stand alone. It may stand anywhere in a line, and several times. A name may contain colons: the last one
separates it from the value.

Terminal control sequences, such as colours, are ignored: see ECMA-48, 5.4, for their form.
"""

import re
from typing import NamedTuple

MARKER = b"###METRIC###"

_END = b"###"
_FIELDS = re.compile(rb"(?:step:(-?\d{1,18})(?:;time:(\d{1,18}))?|time:(\d{1,18}))###")
_FIELD_NAMES = (b"step:", b"time:")
# The characters of most numbers; others, and what Python would also accept, are checked more closely.
_DIGITS = b"0123456789.+-e"
_NUMBER = re.compile(
    rb"[ \t]*[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf|infinity)[ \t]*", re.IGNORECASE
)
# A colour, a move of the cursor or the like; the window's title or a link; a character set; another command. None has
# the `#` of a marker that follows one which is cut off.
ESCAPE = re.compile(
    rb"\x1b(?:\[[0-?]{0,500}[ -\"$-/]{0,3}[@-~]|\][^\x07\x1b\r\n]{0,500}(?:\x07|\x1b\\)|[ -/][0-~]|[0-Z\\^-~])?"
)
# The beginning of one, which the next bytes may complete.
_OPEN_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]{0,500}[ -\"$-/]{0,3}|\][^\x07\x1b\r\n]{0,500}\x1b?|[ -/])?\Z")
_LONGEST_ESCAPE = 505
_LINE_END = re.compile(rb"[\r\n]")

# The longest name and value, since a line may never end.
_LONGEST_METRIC = 4096
# The longest optional fields, with a following marker that shares their end.
_LONGEST_FIELDS = 64
_LONGEST_EXAMPLE = 1000


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
    """Formats one metric; :class:`MetricLineParser` reads the same value back, to the last digit."""
    fields = [
        *([] if step is None else [f"step:{step}"]),
        *([] if time_ms is None else [f"time:{time_ms}"]),
    ]
    return f"###METRIC###{name}:{value!r}###" + (";".join(fields) + "###" if fields else "")


def remove_escapes(text: bytes) -> bytes:
    """Removes terminal control sequences, such as colours, from a whole line."""
    return ESCAPE.sub(b"", text) if b"\x1b" in text else text


class MetricLineParser:
    """Parses metrics from a training's output, in pieces of any size: any division gives the same metrics.

    It never raises on a training's output: metrics that cannot be read are counted. Its memory grows with the number of
    different names, not with the output.

    Attributes:
        unreadable_count: How many markers did not begin a readable metric so far.
        first_unreadable: The first of these, as text, at most 1000 characters; ``None`` if there is none.
    """

    def __init__(self) -> None:
        self.unreadable_count = 0
        self.first_unreadable: str | None = None
        self._rest = b""
        self._next_steps: dict[str, int] = {}
        self._names: dict[bytes, str] = {}

    def feed(self, data: bytes, time_ms: int) -> list[MetricPoint]:
        """Parses the next bytes, which were written at ``time_ms``, and returns the metrics that they complete."""
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end:
            points = self._read(b"".join((self._rest, memoryview(data)[:end])), time_ms)
            self._rest = data[end:]
        else:
            points = []
            self._rest += data
        if len(self._rest) > _LONGEST_FIELDS:
            points += self._read_open_line(time_ms)
        return points

    def finish(self, time_ms: int) -> list[MetricPoint]:
        """Ends the output, and returns the metrics that were waiting for more."""
        points, self._rest = self._read(self._rest, time_ms), b""
        return points

    def _read(self, text: bytes, time_ms: int) -> list[MetricPoint]:
        """Parses text in which every metric is complete."""
        text = remove_escapes(text)
        pieces = text.split(MARKER)
        if len(pieces) == 1:
            return []
        points: list[MetricPoint] = []
        names, next_steps = self._names, self._next_steps
        build = tuple.__new__  # what MetricPoint() calls, in half its time
        for piece in pieces[1:]:
            # Plain methods of bytes, as a regular expression takes twice the time.
            body, end, rest = piece.partition(_END)
            raw_name, _, raw_value = body.rpartition(b":")
            try:
                if (
                    not end
                    or len(body) > _LONGEST_METRIC
                    or (raw_value.strip(_DIGITS) and not _NUMBER.fullmatch(raw_value))
                ):
                    raise ValueError("it is not a metric")
                value = float(raw_value)
                name = names.get(raw_name) or self._add_name(raw_name)
            except ValueError:
                self._count_unreadable(body + end)
                continue
            step = next_steps.get(name, 0)
            next_steps[name] = step + 1
            own_time = time_ms
            if rest.startswith(_FIELD_NAMES) and (fields := _FIELDS.match(rest)):
                step = int(fields[1]) if fields[1] else step
                own_time = int(fields[2] or fields[3] or time_ms)
            points.append(build(MetricPoint, (name, value, step, own_time)))
        return points

    def _read_open_line(self, time_ms: int) -> list[MetricPoint]:
        """Parses the complete part of a line that has not ended, and keeps the rest."""
        text, beginning = self._rest, b""
        if b"\x1b" in text:
            open_escape = _OPEN_ESCAPE.search(text, max(0, len(text) - _LONGEST_ESCAPE))
            position = open_escape.start() if open_escape else len(text)
            text, beginning = ESCAPE.sub(b"", text[:position]), text[position:]
        cut = self._find_cut(text)
        self._rest = text[cut:] + beginning
        return self._read(text[:cut], time_ms)

    def _find_cut(self, text: bytes) -> int:
        """Finds where a line may be cut, whatever follows, without dividing a complete or incomplete metric."""
        *before, last = text.split(MARKER)
        enough = max(0, len(text) - _LONGEST_FIELDS)
        if not before:
            return enough
        start = len(text) - len(last)
        end = text.find(_END, start, min(enough, start + _LONGEST_METRIC + len(_END)))
        if end >= 0:
            fields = _FIELDS.match(text, end + len(_END))
            return max(enough, fields.end() if fields else end + len(_END))
        is_too_long = enough - start > _LONGEST_METRIC + len(_END)
        return enough if is_too_long else start - len(MARKER)

    def _add_name(self, raw_name: bytes) -> str:
        """Decodes a new name.

        Raises:
            ValueError: If it is not a name.
        """
        name = raw_name.decode("utf-8", errors="backslashreplace").strip()
        if not name or _LINE_END.search(raw_name):
            raise ValueError(f"{name!r} is not the name of a metric")
        self._names[raw_name] = name
        return name

    def _count_unreadable(self, text: bytes) -> None:
        self.unreadable_count += 1
        if self.first_unreadable is None:
            line = _LINE_END.split(MARKER + text, maxsplit=1)[0]
            self.first_unreadable = line.decode("utf-8", errors="backslashreplace")[:_LONGEST_EXAMPLE]
