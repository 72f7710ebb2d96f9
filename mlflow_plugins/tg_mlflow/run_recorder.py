"""Turns what a training says into an MLflow run, while it says it."""

import json
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from mlflow import MlflowClient
from mlflow.entities import Metric

from tg.common.delivery.sagemaker import LogEvent, LogTail, MetricLineParser, MetricPoint
from tg_mlflow.errors import RecordingError
from tg_mlflow.log_artifact import LogArtifact
from tg_mlflow.metric_names import MetricNames
from tg_mlflow.metric_writer import MetricWriter

_logger = logging.getLogger("mlflow.tg_mlflow")

METRIC_NAMES_TAG = "tg.metric_names"

# So long a tracking server may be away, besides the time that MLflow's own client tries again.
PATIENCE_SECONDS = 300
_LONGEST_TAG = 8000


class RunRecorder:
    """Takes log events, writes their metrics to a run in batches and keeps the log as ``logs/train.log``.

    A context: when it is left, everything has been written, or it is said what is kept where. Metrics and the log are
    written from threads of their own, so that a slow tracking server does not slow down the training. Where MLflow does
    not take a metric's name, the tag ``tg.metric_names`` says which key stands for which name.

    Args:
        client: The tracking server's.
        run_id: A run that exists.
        patience_seconds: How long the server may be away before the recording fails.

    Attributes:
        position: How many bytes of the output it has taken.
        tail: The last lines of the output.
    """

    def __init__(self, client: MlflowClient, run_id: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.position = 0
        self.tail = LogTail()
        self._client = client
        self._run_id = run_id
        self._parser = MetricLineParser()
        self._names = MetricNames()
        self._log = LogArtifact(client, run_id)
        self._noted = 0
        self._metrics = MetricWriter(self._write_batch, patience_seconds)
        self._stack = ExitStack()

    def __enter__(self) -> "RunRecorder":
        self._stack.enter_context(self._log)
        self._stack.enter_context(self._metrics)
        return self

    @property
    def log_failure(self) -> str | None:
        """Why the log could not be sent at the end, and where it is; ``None`` if it could."""
        return self._log.failure

    def take(self, event: LogEvent) -> None:
        """Takes one event. It raises nothing for what the server does: a training goes on without it."""
        self._log.write(event.data)
        self.position += len(event.data)
        self.tail.add(event)
        self._add(self._parser.feed(event.data, event.time_ms))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Writes the rest.

        Raises:
            RecordingError: If the server was given up, and nothing else is being raised.
        """
        self._finish_log()
        self._stack.__exit__(kind, error, traceback)
        if self._metrics.error is not None and error is None:
            raise RecordingError(
                f"the tracking server did not take the metrics of run {self._run_id} ({self._metrics.error}); the log "
                f"of the job is kept: when the server is back, run `tg-mlflow attach {self._run_id}`"
            ) from self._metrics.error

    def _finish_log(self) -> None:
        self._add(self._parser.finish(time.time_ns() // 1_000_000))
        if self._parser.unreadable_count:
            _logger.warning(
                "%d metric lines could not be read, the first one %r",
                self._parser.unreadable_count,
                self._parser.first_unreadable,
            )

    def _add(self, points: Sequence[MetricPoint]) -> None:
        if points:
            key_of = self._names.key_of
            self._metrics.add([Metric(key_of(each.name), each.value, each.time_ms, each.step) for each in points])

    def _write_batch(self, batch: Sequence[Metric]) -> None:
        self._client.log_batch(self._run_id, metrics=batch)
        if len(self._names.changed) > self._noted:
            text = json.dumps(self._names.changed, ensure_ascii=False)
            self._client.set_tag(self._run_id, METRIC_NAMES_TAG, text[:_LONGEST_TAG])
            self._noted = len(self._names.changed)
