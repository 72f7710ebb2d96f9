"""Writes metrics to a tracking server in batches, however slow it is or long it is away."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from mlflow.entities import Metric

from tg_mlflow.errors import TrackingError

# A request may hold 1000 metrics, and what is read is to be in the store within a second.
LARGEST_BATCH = 1000
_GATHER_SECONDS = 0.5
# At most so many are kept in memory while the server is away; then `add` blocks.
MOST_PENDING = 100_000


class MetricWriter:
    """Takes metrics from one thread and writes them from its own. A context: when it is left, all have been written
    or the server has been given up.

    Of a batch that the server refuses for what is in it, the rest is written. While the server is away and ``write``
    waits for it, metrics wait in memory, up to a bound; then :meth:`add` blocks.

    Args:
        write: Writes a batch of at most 1000, perhaps more than once: MLflow keeps one of several identical points.
            What it raises ends the writing, unless it is a refusal of what is in the batch.
        refuse: Called with a metric that the server refuses and its answer; raises what ends the writing, if that is
            due to no metric.
        note: Called after a batch with the position up to which all metrics have been written, if that is a new one.

    Attributes:
        error: What the server answered when it was given up; ``None`` if it was not.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Metric]], Any],
        refuse: Callable[[Metric, TrackingError], None],
        note: Callable[[int | None], None],
    ) -> None:
        self._write = write
        self._refuse = refuse
        self._note = note
        # By key, with how many metrics had come before each.
        self._pending: dict[str, deque[tuple[int, Metric]]] = {}
        self._pending_count = 0
        # How many metrics had come when the log was read up to a position, and when, for those not written yet.
        self._marks: deque[tuple[int, int, float]] = deque()
        self._added = 0
        self._changed = threading.Condition()
        self._closed = False
        self._settling = self._is_writing = False
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
            self._changed.wait_for(lambda: self._pending_count < MOST_PENDING or self.error is not None)
            if self.error is None:
                for number, metric in enumerate(metrics, self._added):
                    self._pending.setdefault(metric.key, deque()).append((number, metric))
                self._pending_count += len(metrics)
                self._added += len(metrics)
                self._marks.append((self._added, position, time.monotonic()))
                self._changed.notify_all()

    def settle(self) -> None:
        """Waits until all that it has taken is written, or the server has been given up."""
        with self._changed:
            self._settling = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.error is not None or not (self._pending or self._is_writing))
            self._settling = False

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
                self._write_accepted(batch)
                self._note(self._find_position())
            except Exception as error:  # noqa: BLE001 - reported when the writer is left
                with self._changed:
                    self.error = error
                    self._changed.notify_all()
                return

    def _write_accepted(self, batch: Sequence[Metric]) -> None:
        """Writes a batch, or in halves what can be written of it."""
        try:
            self._write(batch)
        except TrackingError as error:
            if not error.is_refusal:
                raise
            if len(batch) == 1:
                self._refuse(batch[0], error)
                return
            half = len(batch) // 2
            self._write_accepted(batch[:half])
            self._write_accepted(batch[half:])

    def _next_batch(self) -> list[Metric]:
        """Waits for metrics, and a little for more of them; an empty batch means that none will come."""
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pending or self._closed)
            if self._pending:  # the first of them may have waited while the batch before was written
                seconds = self._marks[0][2] + _GATHER_SECONDS - time.monotonic()
                self._changed.wait_for(self._has_gathered, max(0, seconds))
            batch = self._take_batch()
            self._is_writing = bool(batch)
            self._changed.notify_all()
        return batch

    def _has_gathered(self) -> bool:
        return self._closed or self._settling or self._pending_count >= LARGEST_BATCH

    def _take_batch(self) -> list[Metric]:
        """Takes equal shares of all keys, so that a key with very many metrics does not hold up the others."""
        batch: list[Metric] = []
        while self._pending and len(batch) < LARGEST_BATCH:
            share = max(1, (LARGEST_BATCH - len(batch)) // len(self._pending))
            for key in list(self._pending)[: LARGEST_BATCH - len(batch)]:
                queue = self._pending.pop(key)
                batch += [queue.popleft()[1] for _ in range(min(share, len(queue)))]
                if queue:
                    self._pending[key] = queue  # behind the others
        self._pending_count -= len(batch)
        return batch

    def _find_position(self) -> int | None:
        """Finds up to where in the log everything has been written, if that is further than before."""
        position = None
        with self._changed:
            written = min((queue[0][0] for queue in self._pending.values()), default=self._added)
            while self._marks and self._marks[0][0] <= written:
                position = self._marks.popleft()[1]
        return position
