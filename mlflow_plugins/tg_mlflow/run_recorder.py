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

    A context: when it is left, everything has been written. Metrics and the log are written from threads of their own,
    so that a slow tracking server does not slow down the training. Where MLflow does not take a metric's name, the tag
    ``tg.metric_names`` says which key stands for which name.

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
        self._metrics = MetricWriter(lambda batch: client.log_batch(run_id, metrics=batch), patience_seconds)
        self._stack = ExitStack()

    def __enter__(self) -> "RunRecorder":
        self._stack.enter_context(self._log)
        self._stack.enter_context(self._metrics)
        self._stack.callback(self._note_names)
        return self

    @property
    def log_failure(self) -> str | None:
        """Why the log could not be sent at the end, and where it is; ``None`` if it could."""
        return self._log.failure

    def take(self, event: LogEvent) -> None:
        """Takes one event.

        Raises:
            Exception: What the tracking server answered to earlier metrics, if it refused them for good.
        """
        self._log.write(event.data)
        self.position += len(event.data)
        self.tail.add(event)
        self._add(self._parser.feed(event.data, event.time_ms))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._finish_log(has_failed=error is not None)
        finally:
            self._stack.__exit__(kind, error, traceback)

    def _finish_log(self, has_failed: bool) -> None:
        points = self._parser.finish(time.time_ns() // 1_000_000)
        if not has_failed:  # else an error of the recording would hide that of the training
            self._add(points)
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

    def _note_names(self) -> None:
        if self._names.changed:
            text = json.dumps(self._names.changed, ensure_ascii=False)
            self._client.set_tag(self._run_id, METRIC_NAMES_TAG, text[:_LONGEST_TAG])
