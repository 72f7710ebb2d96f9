"""Replays a job's calls of MLflow from a thread of its own, while the job's output is read."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol

from mlflow.entities import Metric

from tg_mlflow.replay.record_stream import Record
from tg_mlflow.replay.said_points import SaidPoints

# Records wait a little for others, so that one request takes them.
_GATHER_SECONDS = 0.2
_LARGEST_ROUND = 1000
# At most so many wait in memory while the server is away; then `add` blocks.
_MOST_PENDING = 100_000


class Applying(Protocol):
    """Applies records, as :class:`tg_mlflow.replay.replayer.Replayer` does.

    Attributes:
        said: Which points of metrics were said, those of other lines included.
    """

    said: SaidPoints

    @property
    def has_notes(self) -> bool:
        """Whether something could not be done that has to be met again to be told."""

    def apply(self, record: Record, is_recorded: bool = False) -> None:
        """Applies a record, or gathers it."""

    def flush(self) -> list[Metric]:
        """Writes what has been gathered; returns the metrics of the training's own run."""

    def finish(self, missing_count: int, has_failed: bool) -> None:
        """Tells how many records are missing, and whether the training has failed."""


class _Piece(NamedTuple):
    """A part of the output: its records, its metrics from other lines, where it ends, and whether it was recorded."""

    records: list[Record]
    metrics: Sequence[Metric]
    position: int
    is_recorded: bool

    @property
    def size(self) -> int:
        """How much it adds to what waits."""
        return len(self.records) + len(self.metrics)


class Replay:
    """Takes a job's output in its order, and passes on the metrics of the training's own run in that order.

    A context: when it is left, everything has been applied, or the server has been given up. Without records in the
    output, metrics are passed on at once, and there is no thread.

    Args:
        replayer: Applies records; only one thread at a time uses it.
        log_metrics: Takes metrics of the training's own run, and up to where in the output all the rest is written.

    Attributes:
        error: What the server answered when it was given up; ``None`` if it was not.
    """

    def __init__(self, replayer: Applying, log_metrics: Callable[[Sequence[Metric], int], None]) -> None:
        self.error: Exception | None = None
        self._log_metrics = log_metrics
        self._replayer = replayer
        self._pieces: deque[_Piece] = deque()
        self._pending_count = self._position = 0
        self._changed = threading.Condition()
        self._closed = self._is_busy = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Replay":
        return self

    @property
    def has_notes(self) -> bool:
        """Whether something could not be done, so that whoever takes over has to meet it again to tell it."""
        return self._replayer.has_notes

    def add(self, records: list[Record], metrics: Sequence[Metric], position: int, is_recorded: bool) -> None:
        """Takes the next part of the output.

        Args:
            records: Its records.
            metrics: The metrics of its other lines.
            position: Where it ends.
            is_recorded: Whether it has been recorded before.
        """
        self._position = position
        if self._thread is None:
            if not records:
                if not is_recorded:
                    self._log_metrics(metrics, position)
                return
            self._thread = threading.Thread(target=self._replay_until_closed, name="tg-replay", daemon=True)
            self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._pending_count < _MOST_PENDING or self.error is not None)
            if self.error is None:
                self._pieces.append(_Piece(records, () if is_recorded else metrics, position, is_recorded))
                self._pending_count += self._pieces[-1].size
                self._changed.notify_all()

    def note(self, text: str) -> None:
        """Notes a sentence in the run, if there were any records."""
        if self._thread is not None:
            self.add([{"op": "note", "text": text}], (), self._position, is_recorded=False)

    def settle(self) -> None:
        """Waits until all that has been added is applied, or the server has been given up."""
        with self._changed:
            self._changed.wait_for(lambda: self.error is not None or not (self._pieces or self._is_busy))

    def finish(self, missing_count: int, has_failed: bool) -> None:
        """Waits as :meth:`settle` does, and tells how many records are missing, and whether the training has failed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self.error is None:
            try:
                self._replayer.finish(missing_count, has_failed)
            except Exception as error:  # noqa: BLE001 - reported when the recording ends
                self.error = error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(0, has_failed=error is not None)

    def _replay_until_closed(self) -> None:
        while pieces := self._next_pieces():
            try:
                metrics: list[Metric] = []
                for piece in pieces:
                    for record in piece.records:
                        self._replayer.apply(record, piece.is_recorded)
                    metrics += piece.metrics
                # Those of its records have come first, or are of other names.
                self._log_metrics([*metrics, *self._replayer.flush()], pieces[-1].position)
            except Exception as error:  # noqa: BLE001 - reported when the recording ends
                with self._changed:
                    self.error = error
                    self._pieces.clear()
                    self._changed.notify_all()
                return

    def _next_pieces(self) -> list[_Piece]:
        """Waits for parts of the output, and a little for more of them; none means that no more will come."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pieces or self._closed)
            if not self._closed:
                self._changed.wait_for(lambda: self._closed or self._pending_count >= _LARGEST_ROUND, _GATHER_SECONDS)
            pieces: list[_Piece] = []
            count = 0
            while self._pieces and count < _LARGEST_ROUND:
                pieces.append(self._pieces.popleft())
                count += pieces[-1].size
            self._pending_count -= count
            self._is_busy = bool(pieces)
            self._changed.notify_all()
        return pieces
