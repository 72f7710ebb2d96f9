"""Records the output of a training in an MLflow run while the training runs."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType, TracebackType

from mlflow.entities import LifecycleStage, Metric

from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker import LogEvent, LogTail, MetricPoint
from tg.common.delivery.sagemaker.contract.job_lines import FILE, RESUMED, START
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.errors import RecordingError, TrackingError
from tg_mlflow.recording.attempt_notes import AttemptNotes
from tg_mlflow.recording.earlier_points import EarlierPoints
from tg_mlflow.recording.environment_record import EnvironmentRecord
from tg_mlflow.recording.job_records import JobRecordHandler
from tg_mlflow.recording.log_artifact import LOG_ARTIFACT, LogArtifact
from tg_mlflow.recording.logged_files import LoggedFiles
from tg_mlflow.recording.metric_names import MetricNames
from tg_mlflow.recording.metric_notes import MetricNotes
from tg_mlflow.recording.metric_writer import MetricWriter
from tg_mlflow.recording.output_reader import OutputReader
from tg_mlflow.replay.record_stream import Record
from tg_mlflow.replay.replay import Applying, Replay
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.tags import ENVIRONMENT_ARTIFACT, LOG_CURSOR_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


_CURSOR_SECONDS = 2
# Enough for a traceback with the frames of the user's code, which are its first ones.
_TAIL_LINES = 400
# The job sends small files by its log; others are in the archive of a job that has completed.
_LOST_FILES = "the job has not completed, so models and large files that it has given to MLflow are not kept"


class RunRecorder:
    """Takes log events, writes their metrics to a run in batches, replays the job's calls of MLflow, and keeps the log
    as ``logs/train.log``, without the lines of such calls, and the job's environment as ``environment.json``.

    A context: when it is left, everything has been written, or an error says what is kept where. Metrics and the log
    are written from threads of their own, so that a slow tracking server does not slow down the training. Where MLflow
    does not accept a metric's name, the tag ``tg.metric_names`` says which key stands for which name; other tags say
    which metrics could not be recorded. Recording the same output again leads to the same metrics and tags.

    Args:
        client: The tracking server's. The recording fails when the client gives the server up; the log is kept without
            the secrets of its mask.
        run_id: A run that exists.
        replayer: Applies the job's calls of MLflow.
        written: How many bytes of the output have been recorded before, as the tag ``tg.log_cursor`` says: their
            metrics are not written again.
        metric_regexes: How metrics are found besides metric lines, as :class:`MetricPatterns` takes them.
        handlers: What becomes of the job's own records, as :class:`JobRecords` takes them.
        is_new: Whether the run is known not to resume another one.

    Attributes:
        position: How many bytes of the output it has taken.
        tail: The last lines of the output.
    """

    def __init__(
        self,
        client: TrackingClient,
        run_id: str,
        replayer: Applying,
        written: int = 0,
        metric_regexes: Mapping[str, str] = MappingProxyType({}),
        handlers: Mapping[str, JobRecordHandler] = MappingProxyType({}),
        is_new: bool = False,
    ) -> None:
        self.position = 0
        self._job_start = 0
        self.tail = LogTail(_TAIL_LINES)
        self._client = client
        self._run_id = run_id
        self._mask = client.mask
        self._masked = self._mask.stream()
        self._written = written
        self._cursor_noted_at = time.monotonic()
        self._last_time_ms = 0
        self._names = MetricNames(self._mask)
        self._log = LogArtifact(client, run_id)
        self._attempts = AttemptNotes(client, run_id, replayer.said)
        self._environment = EnvironmentRecord(client, run_id)
        self._files = LoggedFiles()
        self._calls_mlflow = False
        self._earlier = EarlierPoints(client, run_id, self._names.key_of, is_new)
        tables = (
            {START: self._environment.take, FILE: self._files.take, RESUMED: self._earlier.take},
            {START: self._earlier.begin, RESUMED: self._attempts.take_resumption},
            handlers,
        )
        self._output = OutputReader(replayer.said, metric_regexes, tables, self._attempts)
        self._notes = MetricNotes(client, run_id, self._names, replayer.said)
        self._metrics = MetricWriter(self._write_batch, self._refuse, self._note)
        self._replay = Replay(replayer, self._metrics.add)
        self._stack = ExitStack()

    def __enter__(self) -> "RunRecorder":
        with ExitStack() as opening, uninterrupted() as held:
            opening.enter_context(self._log)
            opening.enter_context(self._environment)
            opening.enter_context(self._earlier)
            opening.enter_context(self._metrics)
            opening.enter_context(self._replay)
            held.raise_any()
            self._stack = opening.pop_all()
        return self

    @property
    def job_position(self) -> int:
        """How many bytes it has taken since :meth:`begin_job`."""
        return self.position - self._job_start

    @property
    def lost_seconds(self) -> float:
        """How much time on machines the interruptions of the job have cost so far."""
        return self._attempts.find_lost_seconds(self._last_time_ms, only_on_machines=True)

    @property
    def log_failure(self) -> str | None:
        """Why the run's log is not the whole one; known once the context is left. ``None`` if it is whole."""
        return self._log.failure

    def begin_job(self) -> None:
        """Begins the output of another job, whose points are checked as those of another attempt are."""
        self._job_start = self.position
        self._output.begin_job()

    def take(self, event: LogEvent) -> LogEvent:
        """Takes one event. It raises nothing for what the server does: a training goes on without it.

        Returns:
            What may be shown of it: it is without secrets, and what may be the beginning of one waits for more.
        """
        text, records, points = self._output.take(event)
        masked = replace(event, data=self._masked.feed(text))
        self._keep(masked)
        self.position += len(event.data)
        self._last_time_ms = event.time_ms
        records = self._add_files(records)
        if records or points:
            self._replay.add(records, self._name(points), self.position, is_recorded=self.position <= self._written)
        return masked

    def _add_files(self, records: list[Record]) -> list[Record]:
        self._calls_mlflow |= bool(records)
        return [*records, *self._files.pop_records()]

    def _keep(self, masked: LogEvent) -> None:
        self._log.write(masked.data)
        self.tail.add(masked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Writes the rest.

        Raises:
            RecordingError: If the server was given up, also in place of what ends the run otherwise: whoever attaches
                records the rest first.
        """
        with uninterrupted():
            self._finish_log()
            self._replay.finish(self._output.missing_count, has_failed=error is not None)
            self._stack.__exit__(kind, error, traceback)
            if self._environment.is_missing:
                note_missing(self._client, self._run_id, [ENVIRONMENT_ARTIFACT])
            if self._earlier.is_missing:
                note_missing(self._client, self._run_id, ["points of the run that it goes on from"])
            failure = self._metrics.error or self._replay.error or self._write_notes()
        if isinstance(error, (RecordingError, JobUnreachableError)):
            return  # that is about the rest, too
        if failure is not None:
            raise self._describe(failure) from failure
        if error is not None and self.log_failure is not None:
            note_missing(self._client, self._run_id, [f"{LOG_ARTIFACT} ({self.log_failure})"])

    def note_incomplete(self, has_logged: bool, has_given: bool) -> None:
        """Notes in the run what is lost as the job has not completed.

        Args:
            has_logged: Whether the run has all files that the job's task has logged.
            has_given: Whether the run has all that the job has given to MLflow.
        """
        if self._calls_mlflow and not has_given:
            self._replay.note(_LOST_FILES)
        if not has_logged:
            note_missing(self._client, self._run_id, sorted(self._files.awaited))

    def settle(self) -> None:
        """Waits until metrics are written and the job's calls of MLflow replayed as far as its output has been taken.

        Raises:
            RecordingError: If the server was given up.
        """
        self._replay.settle()
        self._metrics.settle()
        if (failure := self._metrics.error or self._replay.error) is not None:
            raise self._describe(failure) from failure

    def _describe(self, failure: Exception) -> RecordingError:
        return RecordingError(
            f"the tracking server did not take the metrics of run {self._run_id} ({failure}); the log "
            f"of the job is kept: when the server is back, run `tg-mlflow attach {self._run_id}`"
        )

    def _finish_log(self) -> None:
        # Not the time that it is now: who reads the same log later has to come to the same points.
        time_ms = self._last_time_ms
        text, records, points = self._output.finish(time_ms)
        self._keep(LogEvent(self._masked.feed(text) + self._masked.finish(), time_ms))
        self._replay.add(self._add_files(records), self._name(points), self.position, is_recorded=False)

    def _write_notes(self) -> Exception | None:
        """Says in the run how many metrics could not be read, or have differed; returns why the server refuses that."""
        count, first = self._output.unreadable_count, self._output.first_unreadable
        try:
            if first is not None:
                self._notes.write_unreadable(count, first)
            self._notes.write()
        except TrackingError as error:
            return error
        self._attempts.write(self._last_time_ms)
        return None

    def _name(self, points: Sequence[MetricPoint]) -> list[Metric]:
        key_of = self._names.key_of
        return [Metric(key_of(each.name), each.value, each.time_ms, each.step) for each in points]

    def _write_batch(self, batch: Sequence[Metric]) -> None:
        self._client.log_batch(self._run_id, metrics=batch)

    def _refuse(self, metric: Metric, answer: TrackingError) -> None:
        """Counts a metric that the server does not take, unless it takes none, since the run is deleted."""
        run = self._client.get_run(self._run_id)
        if run.info.lifecycle_stage == LifecycleStage.DELETED:
            raise TrackingError("it is deleted; restore it first", is_final=True) from answer
        self._notes.add_refused(metric, answer)

    def _note(self, position: int | None) -> None:
        """Notes what has become of a batch."""
        self._notes.write()
        # A process that takes over has to meet again what was refused, to count it.
        if position is not None and not self._notes.refused_count and not self._replay.has_notes:
            self._note_cursor(position)

    def _note_cursor(self, position: int) -> None:
        """Notes now and then how far the recording has come, so that a process that takes over begins there."""
        if time.monotonic() - self._cursor_noted_at >= _CURSOR_SECONDS:
            self._cursor_noted_at = time.monotonic()
            try:
                self._client.without_patience().set_tag(self._run_id, LOG_CURSOR_TAG, str(position))
            except TrackingError as error:
                _logger.debug("The cursor of run %s is not noted: %s", self._run_id, error)  # more is written again
