"""Turns what a training says into an MLflow run, while it says it."""

import re
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mlflow import MlflowClient
from mlflow.entities import Metric

from tg.common.delivery.sagemaker import LogEvent, LogTail, MetricLineParser, MetricPoint

# A request may hold 1000 metrics, and what is read is to be in the store within a second.
_LARGEST_BATCH = 1000
_FLUSH_SECONDS = 0.5
_REFUSED_CHARACTERS = re.compile(r"[^/\w.\- :]")


class RunRecorder:
    """Takes log events, writes their metrics to a run in batches and keeps the log as ``logs/train.log``.

    A context: when it is left, everything has been written. Metrics are written from a thread of its own, so that a
    slow tracking server does not slow down the training.

    Args:
        client: The tracking server's.
        run_id: A run that exists.

    Attributes:
        position: How many bytes of the output it has taken.
        tail: The last lines of the output.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.position = 0
        self.tail = LogTail()
        self.parser = MetricLineParser()
        self._client = client
        self._run_id = run_id
        self._pending: list[Metric] = []
        self._wake = threading.Condition()
        self._closed = False
        self._error: Exception | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._log: BinaryIO | None = None
        self._writer = threading.Thread(target=self._write_until_closed, name=f"tg-recorder-{run_id}", daemon=True)

    def __enter__(self) -> "RunRecorder":
        self._folder = tempfile.TemporaryDirectory(prefix="tg-mlflow-")
        self._log = (Path(self._folder.name) / "train.log").open("wb")
        self._writer.start()
        return self

    def take(self, event: LogEvent) -> None:
        """Takes one event.

        Raises:
            Exception: What the tracking server answered to an earlier batch, if it refused it.
        """
        if self._error is not None:
            raise self._error
        assert self._log is not None
        self._log.write(event.data)
        self.position += len(event.data)
        self.tail.add(event)
        self._take(self.parser.feed(event.data, event.time_ms))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._folder is not None
        assert self._log is not None
        try:
            self._take(self.parser.finish(time.time_ns() // 1_000_000))
            with self._wake:
                self._closed = True
                self._wake.notify()
            self._writer.join()
            self._log.close()
            if self._error is not None and error is None:
                raise self._error
            log_path = Path(self._folder.name) / "train.log"
            if log_path.stat().st_size:
                self._client.log_artifact(self._run_id, str(log_path), "logs")
        finally:
            self._folder.cleanup()

    def _take(self, points: Sequence[MetricPoint]) -> None:
        if not points:
            return
        with self._wake:
            self._pending += [Metric(_key(each.name), each.value, each.time_ms, each.step) for each in points]
            self._wake.notify()

    def _write_until_closed(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._pending or self._closed)
                if not self._closed and len(self._pending) < _LARGEST_BATCH:
                    self._wake.wait_for(lambda: self._closed, timeout=_FLUSH_SECONDS)  # more may come for this batch
                batch, self._pending = self._pending[:_LARGEST_BATCH], self._pending[_LARGEST_BATCH:]
                if not batch:
                    return
            try:
                self._client.log_batch(self._run_id, metrics=batch)
            except Exception as error:  # noqa: BLE001 - handed to the training's thread, which raises it
                self._error = error
                return


def _key(name: str) -> str:
    """Writes a metric's name with the characters that MLflow takes, as a plain relative path."""
    parts = [part for part in _REFUSED_CHARACTERS.sub("_", name).split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "_"
