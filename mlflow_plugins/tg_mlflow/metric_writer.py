"""Writes metrics to a tracking server in batches, however slow it is or long it is away."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from mlflow.entities import Metric

from tg_mlflow.patience import patiently

# A request may hold 1000 metrics, and what is read is to be in the store within a second.
LARGEST_BATCH = 1000
_GATHER_SECONDS = 0.5
# So much is kept in memory while the server is away; then whoever brings more has to wait.
MOST_PENDING = 100_000


class MetricWriter:
    """Takes metrics from one thread and writes them from its own. A context: when it is left, all have been written
    or the server has been given up.

    A batch that the server does not take now is sent again, with growing pauses. That doubles nothing, since MLflow
    keeps one of several identical points. While the server is away, metrics wait in memory, up to a bound; then
    :meth:`add` blocks.

    Args:
        write: Writes a batch of at most 1000.
        patience_seconds: How long the server may be away before it is given up.
        note: Called after a batch with the position up to which all metrics have been written.

    Attributes:
        error: What the server answered when it was given up; ``None`` if it was not.
    """

    def __init__(
        self, write: Callable[[Sequence[Metric]], Any], patience_seconds: float, note: Callable[[int], None]
    ) -> None:
        self._write = write
        self._patience_seconds = patience_seconds
        self._note = note
        self._pending: list[Metric] = []
        # How many metrics had come when the log was read up to a position, for those that are not written yet.
        self._marks: deque[tuple[int, int]] = deque()
        self._added = self._written = 0
        self._changed = threading.Condition()
        self._closed = False
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._write_until_closed, name="tg-metric-writer", daemon=True)

    def __enter__(self) -> "MetricWriter":
        self._thread.start()
        return self

    def add(self, metrics: Sequence[Metric], position: int) -> None:
        """Takes metrics to write; lets them go once the server has been given up, since the log has them, too.

        Args:
            metrics: The metrics, in the order of the log.
            position: Where the part of the log ends that they are from.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._pending) < MOST_PENDING or self.error is not None)
            if self.error is None:
                self._pending += metrics
                self._added += len(metrics)
                self._marks.append((self._added, position))
                self._changed.notify_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _write_until_closed(self) -> None:
        while batch := self._next_batch():
            try:
                patiently(partial(self._write, batch), self._patience_seconds, "metrics")
                self._note_position(len(batch))
            except Exception as error:  # noqa: BLE001 - told when the writer is left
                with self._changed:
                    self.error = error
                    self._changed.notify_all()
                return

    def _next_batch(self) -> list[Metric]:
        """Waits for metrics, and a little for more of them; an empty batch means that none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closed)
            self._changed.wait_for(lambda: self._closed or len(self._pending) >= LARGEST_BATCH, _GATHER_SECONDS)
            batch, self._pending = self._pending[:LARGEST_BATCH], self._pending[LARGEST_BATCH:]
            self._changed.notify_all()
        return batch

    def _note_position(self, count: int) -> None:
        self._written += count
        position = None
        with self._changed:
            while self._marks and self._marks[0][0] <= self._written:
                position = self._marks.popleft()[1]
        if position is not None:
            self._note(position)
