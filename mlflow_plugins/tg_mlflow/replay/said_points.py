"""Which points of metrics a job has said, so that those that another attempt says again are told from new ones."""

import threading
from array import array
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple


class SaidPoint(NamedTuple):
    """A point that was said before.

    Attributes:
        value: Its value.
        time_ms: Its time, in milliseconds since 1970 (UTC).
    """

    value: float
    time_ms: int


@dataclass(frozen=True)
class Difference:
    """A point that an attempt has said with another value than the one before.

    Attributes:
        metric: The metric's name.
        step: The step.
        first: The value that was said first, which the run has.
        again: The other one.
        attempt: The attempt that has said the latter, from 1.
    """

    metric: str
    step: int
    first: float
    again: float
    attempt: int


class SaidPoints:
    """Knows the points of all attempts of a run's job. Threads may share it if each has metrics of its own.

    A point is the same as one of another attempt if it is of the same metric and step, and equally many of these came
    before it in its attempt: a task may say several values at one step.

    Attributes:
        first_difference: The first point that has differed; ``None`` if none has.
        difference_count: How many have.
    """

    def __init__(self) -> None:
        self.first_difference: Difference | None = None
        self.difference_count = 0
        self._series: dict[Hashable, _Series] = {}
        self._lock = threading.Lock()

    def find(self, attempt: int, key: Hashable, metric: str, step: int, value: float, time_ms: int) -> SaidPoint | None:
        """Finds a point that was said before, or else keeps it as one that was said.

        Args:
            attempt: The attempt that says it, from 1.
            key: What tells its metric from others.
            metric: The metric's name.
            step: Its step.
            value: Its value.
            time_ms: Its time.
        """
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series(attempt)
        said = series.find(attempt, step, value, time_ms)
        if said is not None and not _is_same(said.value, value):
            with self._lock:
                self.difference_count += 1
                if self.first_difference is None:
                    self.first_difference = Difference(metric, step, said.value, value, attempt)
        return said

    def list_spans(self) -> list[tuple[int, int]]:
        """Lists when each attempt has said its first and its last new point of each metric."""
        return [span for series in list(self._series.values()) for span in series.list_spans()]


class _Series:
    """The points of one metric: columns as long as there is one attempt, as there may be millions of points."""

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt
        self._steps, self._values, self._times = array("q"), array("d"), array("q")
        self._said: dict[int, list[SaidPoint]] | None = None
        # By attempt: how many points it has said at each step, and when its first and its last new one.
        self._counts: dict[int, Counter[int]] = {}
        self._spans: dict[int, tuple[int, int]] = {}

    def find(self, attempt: int, step: int, value: float, time_ms: int) -> SaidPoint | None:
        if self._said is None:
            if attempt == self._attempt:
                self._steps.append(step)
                self._values.append(value)
                self._times.append(time_ms)
                return None
            self._said = self._sort_by_step()
        counts = self._counts.setdefault(attempt, Counter())
        number = counts[step]
        counts[step] += 1
        said = self._said.setdefault(step, [])
        if number < len(said):
            return said[number]
        said.append(SaidPoint(value, time_ms))
        first, last = self._spans.get(attempt, (time_ms, time_ms))
        self._spans[attempt] = min(first, time_ms), max(last, time_ms)
        return None

    def list_spans(self) -> list[tuple[int, int]]:
        if self._said is None:
            return [(min(self._times), max(self._times))] if self._times else []
        return list(self._spans.values())

    def _sort_by_step(self) -> dict[int, list[SaidPoint]]:
        said: dict[int, list[SaidPoint]] = {}
        for step, value, time_ms in zip(self._steps, self._values, self._times, strict=True):
            said.setdefault(step, []).append(SaidPoint(value, time_ms))
        self._counts[self._attempt] = Counter(self._steps)
        self._spans[self._attempt] = min(self._times), max(self._times)
        self._steps, self._values, self._times = array("q"), array("d"), array("q")
        return said


def _is_same(first: float, second: float) -> bool:
    return first == second or (first != first and second != second)
