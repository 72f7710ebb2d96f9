"""How far a training is, by its own words, and how long it will take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNIT = "step"
_LONGEST_UNIT = 30


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        done: How many are done.
        of: How many there are.
        unit: One of them, such as ``fold``.
        time_ms: When it was so, in milliseconds since 1970 (UTC).
        left_seconds: How long the others will take, if that is known.
    """

    done: int
    of: int
    unit: str
    time_ms: int
    left_seconds: float | None = None


class ProgressMeter:
    """Reads a job's records of its progress, in their order, and measures the time that each step takes.

    The measurement begins anew where a training begins anew, as after an interruption.

    Attributes:
        progress: The last one; ``None`` if there is none.
    """

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self._first: Progress | None = None

    def take(self, record: Mapping[str, Any], time_ms: int) -> None:
        """Takes a record, which was written at ``time_ms``; one that makes no sense is left out."""
        said = _read(record, time_ms)
        if said is None:
            return
        first, last = self._first, self.progress
        if first is None or last is None or (said.of, said.unit) != (first.of, first.unit) or said.done < last.done:
            first = self._first = said
        steps, milliseconds = said.done - first.done, said.time_ms - first.time_ms
        left = (said.of - said.done) * milliseconds / steps / 1000 if steps > 0 and milliseconds >= 0 else None
        self.progress = Progress(said.done, said.of, said.unit, said.time_ms, left)


def _read(record: Mapping[str, Any], time_ms: int) -> Progress | None:
    done, of, unit, time = (record.get(key) for key in ("done", "of", "unit", "time"))
    if type(done) is not int or type(of) is not int or not 0 <= done <= of or of == 0:
        return None
    word = " ".join(str(unit or _UNIT).split())[:_LONGEST_UNIT]
    return Progress(done, of, word, time if type(time) is int else time_ms)
