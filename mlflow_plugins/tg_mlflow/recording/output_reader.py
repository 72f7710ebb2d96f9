"""Reads the output of a run's jobs, attempt by attempt: text, records of calls of MLflow, and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from tg.common.delivery.sagemaker import LogEvent, MetricLineParser, MetricPoint
from tg.common.delivery.sagemaker.contract.job_lines import MARKER, START
from tg.common.delivery.sagemaker.contract.log_event import JobStep
from tg_mlflow.recording.job_records import JobRecordHandler, JobRecords
from tg_mlflow.recording.metric_patterns import MetricPatterns
from tg_mlflow.replay.record_stream import Record, RecordStream
from tg_mlflow.replay.said_points import SaidPoints


class AttemptPoints:
    """Reads the text of one attempt. Where it gives no steps, they begin anew with it: at 0, for each name.

    Args:
        attempt: The attempt's number, from 1.
        said: What other attempts have said.
        metric_regexes: How metrics are found besides metric lines, as :class:`MetricPatterns` takes them.
    """

    def __init__(self, attempt: int, said: SaidPoints, metric_regexes: Mapping[str, str]) -> None:
        self.attempt = attempt
        self._said = said
        self._parser = MetricLineParser()
        self._patterns = MetricPatterns(metric_regexes)
        self._cut_count = 0

    @property
    def unreadable_count(self) -> int:
        """How many metric lines could not be read so far."""
        return self._parser.unreadable_count - self._cut_count

    @property
    def first_unreadable(self) -> str | None:
        """The first of these."""
        return self._parser.first_unreadable if self.unreadable_count else None

    def feed(self, text: bytes, time_ms: int) -> list[MetricPoint]:
        """Reads the next bytes, which were written at ``time_ms``; returns the points that are new."""
        return self._select_new(self._parser.feed(text, time_ms), self._patterns.feed(text, time_ms))

    def finish(self, time_ms: int, is_cut: bool) -> list[MetricPoint]:
        """Ends the text, and returns the new points that were waiting for more.

        Args:
            time_ms: When its end was written.
            is_cut: Whether it may have been cut within a line, which is not unreadable then.
        """
        before = self._parser.unreadable_count
        points = self._select_new(self._parser.finish(time_ms), self._patterns.finish(time_ms))
        self._cut_count = self._parser.unreadable_count - before if is_cut else 0
        return points

    def _select_new(self, *kinds: Sequence[MetricPoint]) -> list[MetricPoint]:
        find, attempt = self._said.find, self.attempt
        return [
            each
            for kind, points in enumerate(kinds)
            for each in points
            if find(attempt, (kind, each.name), each.name, each.step, each.value, each.time_ms) is None
        ]


class Noting(Protocol):
    """Notes starts of a job, as :class:`tg_mlflow.recording.attempt_notes.AttemptNotes` does."""

    def begin_job(self) -> None:
        """Begins another job."""

    def take_start(self, time_ms: int) -> None:
        """Takes that the job's process has begun."""

    def take_step(self, step: JobStep, time_ms: int) -> None:
        """Takes what the job has come to in the words of its place."""


class Piece(NamedTuple):
    """What a piece of output says.

    Attributes:
        text: Its text, without the lines of records.
        records: The records of calls of MLflow that it completes.
        points: The points of metrics that it completes, and that no other attempt has said before.
    """

    text: bytes
    records: list[Record]
    points: list[MetricPoint]


@dataclass
class _Stream:
    """One log of the job: of all its attempts, or of one where the place keeps each by itself."""

    job_records: JobRecords
    points: AttemptPoints
    records: RecordStream = field(default_factory=RecordStream)
    has_started: bool = False


class OutputReader:
    """Takes the output of a run's jobs, and knows by which attempt each piece was written.

    An attempt begins with the job's first line (``op`` is ``start``), or with a log of its own. Output of several may
    arrive mixed: each is read by itself.

    Args:
        said: Which points of metrics were said.
        metric_regexes: How metrics are found besides metric lines.
        handlers: What becomes of the job's own records, as :class:`JobRecords` takes it.
        notes: Is told of each start and step.
    """

    def __init__(
        self,
        said: SaidPoints,
        metric_regexes: Mapping[str, str],
        handlers: Sequence[Mapping[str, JobRecordHandler]],
        notes: Noting,
    ) -> None:
        self._said = said
        self._metric_regexes = metric_regexes
        self._handlers = handlers
        self._notes = notes
        self._job = 0
        self._attempts: list[AttemptPoints] = []
        self._streams: dict[tuple[int, int], _Stream] = {}
        AttemptPoints(1, said, metric_regexes)  # raises at once if the regular expressions are invalid
        # Of other machines than the first, whose calls and records do not count.
        self._foreign, self._foreign_job_records = RecordStream(), JobRecords()

    @property
    def missing_count(self) -> int:
        """How many records of calls of MLflow are not in the output, or cannot be read."""
        return sum(each.records.missing_count for each in self._streams.values())

    @property
    def unreadable_count(self) -> int:
        """How many metric lines cannot be read."""
        return sum(each.unreadable_count for each in self._attempts)

    @property
    def first_unreadable(self) -> str | None:
        """The first of these."""
        return next((each.first_unreadable for each in self._attempts if each.first_unreadable is not None), None)

    def begin_job(self) -> None:
        """Begins the output of another job."""
        self._job += 1
        self._notes.begin_job()

    def take(self, event: LogEvent) -> Piece:
        """Takes the next piece of the output."""
        if event.step is not None:
            self._notes.take_step(event.step, event.time_ms)
        if MARKER not in event.data:
            return self._read(event)
        before, *others = event.data.split(MARKER)  # what stands before a start belongs to another attempt
        parts = [before, *(MARKER + each for each in others)]
        return _join([self._read(replace(event, data=part)) for part in parts])

    def finish(self, time_ms: int) -> Piece:
        """Ends the output, and returns what was held back."""
        pieces = [self._end_stream(each, time_ms) for each in self._streams.values()]
        foreign = self._foreign_job_records.feed(self._foreign.finish()[0], time_ms)
        foreign += self._foreign_job_records.finish(time_ms)
        points = [point for each in self._attempts for point in each.finish(time_ms, each is not self._attempts[-1])]
        return _join([*pieces, Piece(foreign, [], points)])

    def _end_stream(self, stream: _Stream, time_ms: int) -> Piece:
        text, records = stream.records.finish()
        text = stream.job_records.feed(text, time_ms) + stream.job_records.finish(time_ms)
        return Piece(text, records, stream.points.feed(text, time_ms))

    def _read(self, event: LogEvent) -> Piece:
        time_ms = event.time_ms
        if not event.has_metrics:
            text, _ = self._foreign.feed(event.data)
            return Piece(self._foreign_job_records.feed(text, time_ms), [], [])
        stream = self._find_stream(event.attempt)
        text, records = stream.records.feed(event.data)
        text = (self._foreign_job_records if event.host else stream.job_records).feed(text, time_ms)
        return Piece(text, records, stream.points.feed(text, time_ms))

    def _find_stream(self, attempt: int) -> _Stream:
        key = self._job, attempt
        if key not in self._streams:
            job_records = JobRecords({START: partial(self._take_start, key)}, *self._handlers)
            self._streams[key] = _Stream(job_records, self._begin_attempt())
        return self._streams[key]

    def _begin_attempt(self) -> AttemptPoints:
        points = AttemptPoints(len(self._attempts) + 1, self._said, self._metric_regexes)
        self._attempts.append(points)
        return points

    def _take_start(self, key: tuple[int, int], content: Mapping[str, Any], time_ms: int) -> None:
        stream = self._streams[key]
        if stream.has_started:  # its container was started again
            stream.points = self._begin_attempt()
        stream.has_started = True
        self._notes.take_start(time_ms)


def _join(pieces: list[Piece]) -> Piece:
    return Piece(
        b"".join(each.text for each in pieces),
        [record for each in pieces for record in each.records],
        [point for each in pieces for point in each.points],
    )
