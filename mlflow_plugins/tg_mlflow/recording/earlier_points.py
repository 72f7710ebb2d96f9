"""Brings into a run what an earlier run has said, from whose checkpoint its training goes on."""

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from mlflow.entities import Metric, RunTag

from tg_mlflow.errors import TrackingError
from tg_mlflow.recording.metric_writer import LARGEST_BATCH
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import RESUMED_FROM_TAG, RESUMED_STEP_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


class EarlierPoints:
    """Notes from which step a training goes on; where that is a checkpoint of another run, copies that run's points
    until then, so that the run has the whole history.

    A context: when it is left, all is in the run, or a warning says that it is not. The points that the other run has
    said after its last checkpoint are not copied: the training says them again.

    Args:
        client: The tracking server's.
        run_id: A run that exists.
        key_of: Returns the key of a metric.

    Attributes:
        is_missing: Whether the run lacks any of it.
    """

    def __init__(self, client: TrackingClient, run_id: str, key_of: Callable[[str], str]) -> None:
        self.is_missing = False
        self._client = client
        self._run_id = run_id
        self._key_of = key_of
        self._step: int | None = None
        self._counts: dict[str, int] | None = None  # by key, until they are copied
        self._has_copied = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "EarlierPoints":
        return self

    def take(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes the record of a training that goes on; of several attempts, the first one is from the other run."""
        step, points = content.get("step"), content.get("points")
        if not isinstance(step, int) or not isinstance(points, dict):
            return
        with self._lock:
            self._step = step
            if self._counts is None and not self._has_copied:
                self._counts = {self._key_of(name): int(count) for name, count in points.items()}
        if self._thread is None or not self._thread.is_alive():  # otherwise it is written at the end
            self._thread = threading.Thread(target=self._try_to_write, name="tg-earlier-points", daemon=True)
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.join()
        try:
            self._write(self._client)
        except TrackingError as problem:
            self.is_missing = True
            _logger.warning("What run %s goes on from is not in it: %s", self._run_id, problem)

    def _try_to_write(self) -> None:
        try:
            self._write(self._client.without_patience())
        except TrackingError as problem:
            _logger.debug("What run %s goes on from is written later: %s", self._run_id, problem)

    def _write(self, client: TrackingClient) -> None:
        with self._lock:
            step, counts = self._step, self._counts
        if step is not None:
            client.log_batch(self._run_id, tags=[RunTag(RESUMED_STEP_TAG, str(step))])
        if counts is not None:
            earlier = client.get_run(self._run_id).data.tags.get(RESUMED_FROM_TAG)
            points = [] if earlier is None else self._read_points(client, earlier, counts)
            for start in range(0, len(points), LARGEST_BATCH):
                client.log_batch(self._run_id, metrics=points[start : start + LARGEST_BATCH])
        with self._lock:
            if self._step == step:
                self._step = None
            if counts is not None:
                self._counts, self._has_copied = None, True

    def _read_points(self, client: TrackingClient, run_id: str, counts: Mapping[str, int]) -> list[Metric]:
        points = list[Metric]()
        for key, count in counts.items():
            history = sorted(client.get_metric_history(run_id, key), key=lambda point: (point.timestamp, point.step))
            if count and not history:
                self.is_missing = True
                _logger.warning("Run %s, which run %s goes on from, has no points of %r", run_id, self._run_id, key)
            points += [Metric(key, each.value, each.timestamp, each.step) for each in history[:count]]
        return points
