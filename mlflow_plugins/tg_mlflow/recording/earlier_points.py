"""Brings into a run what an earlier run has said, from whose checkpoint its training goes on."""

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from mlflow.entities import Metric, RunTag

from tg_mlflow.errors import TrackingError
from tg_mlflow.recording.background_write import BackgroundWrite
from tg_mlflow.recording.metric_writer import LARGEST_BATCH
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import RESUMED_FROM_TAG, RESUMED_STEP_TAG, SYSTEM_PREFIX

_logger = logging.getLogger("mlflow.tg_mlflow")

# Metrics of a run's own job, not of its training.
_OF_JOBS = ("tg.", SYSTEM_PREFIX)


class EarlierPoints:
    """Notes from which step a training goes on; where that is a checkpoint of another run, copies that run's points
    until then, so that the run has the whole history.

    A context: when it is left, all is in the run, or a warning says that it is not. The points that the other run has
    said after its last checkpoint are not copied: the training says them again. What checkpoints do not count, such as
    ``mlflow.log_metric``, is copied up to the first step that the training says itself.

    Args:
        client: The tracking server's.
        run_id: A run that exists.
        key_of: Returns the key of a metric.
        is_new: Whether the run is known not to resume another one, so that it need not be asked; its job may still
            tell that it goes on from a checkpoint of another.

    Attributes:
        is_missing: Whether the run lacks any of it.
    """

    def __init__(self, client: TrackingClient, run_id: str, key_of: Callable[[str], str], is_new: bool = False) -> None:
        self.is_missing = False
        self._client = client
        self._run_id = run_id
        self._key_of = key_of
        self._is_new = is_new
        self._step: int | None = None
        self._counts: dict[str, int] | None = None  # by key, until they are copied
        self._has_copied = False
        self._source: str | None = None  # the run that has saved the checkpoint; where that says so
        self._counted = frozenset[str]()
        self._has_begun = False
        self._lock = threading.Lock()
        self._writing = BackgroundWrite(
            "tg-earlier-points", lambda: self._write(client.without_patience()), lambda: self._write(client)
        )

    def __enter__(self) -> "EarlierPoints":
        return self

    def begin(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes the first record of a job, which tells that the training is not yet to come."""
        self._has_begun = True

    def take(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes the record of a training that goes on; of several attempts, the first one is from the other run."""
        step, points = content.get("step"), content.get("points")
        if not isinstance(step, int) or not isinstance(points, dict):
            return
        with self._lock:
            self._step = step
            if self._counts is None and not self._has_copied:
                self._counts = {self._key_of(name): int(count) for name, count in points.items()}
                self._counted, self._source = frozenset(self._counts), content.get("run")
        self._writing.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._writing.finish()
            if self._has_begun and not (self._is_new and self._source is None):
                self._copy_uncounted(is_whole=error is None)
        except TrackingError as problem:
            self.is_missing = True
            _logger.warning("What run %s goes on from is not in it: %s", self._run_id, problem)

    def _write(self, client: TrackingClient) -> None:
        with self._lock:
            step, counts = self._step, self._counts
        if step is not None:
            client.log_batch(self._run_id, tags=[RunTag(RESUMED_STEP_TAG, str(step))])
        if counts is not None:
            earlier = self._find_earlier(client, is_noted=True)
            points = [] if earlier is None else self._read_points(client, earlier, counts)
            self._log(client, points)
        with self._lock:
            if self._step == step:
                self._step = None
            if counts is not None:
                self._counts, self._has_copied = None, True

    def _find_earlier(self, client: TrackingClient, is_noted: bool = False) -> str | None:
        """Finds the run whose history this one goes on with: not always the one that it was to resume, as that may
        have gone on from the checkpoint itself, and not only where it was to resume one, as folders are used again."""
        tagged: str | None = client.get_run(self._run_id).data.tags.get(RESUMED_FROM_TAG)
        if is_noted and tagged is None and self._source not in (None, self._run_id):
            client.log_batch(self._run_id, tags=[RunTag(RESUMED_FROM_TAG, str(self._source))])
        earlier = self._source or tagged
        return None if earlier == self._run_id else earlier

    def _copy_uncounted(self, is_whole: bool) -> None:
        """Copies what checkpoints do not count, and tells what cannot be; if the training is over, also what it has
        not said again."""
        earlier = self._find_earlier(self._client)
        if earlier is None:
            return
        lost = list[str]()
        for key in sorted(self._client.get_run(earlier).data.metrics.keys() - self._counted):
            if key.startswith(_OF_JOBS):
                continue
            first = min((each.step for each in self._client.get_metric_history(self._run_id, key)), default=None)
            history = self._client.get_metric_history(earlier, key)
            steps = {each.step for each in history}
            if first is None or (len(steps) < len(history) and first in steps):  # nothing tells which are said again
                lost.append(key)
                continue
            # The last ones first: if the server goes away, whoever does this again finds those before them.
            before = sorted((each for each in history if each.step < first), key=lambda each: -each.step)
            self._log(self._client, [Metric(key, each.value, each.timestamp, each.step) for each in before])
        if lost and is_whole:
            self.is_missing = True
            _logger.warning(
                "Run %s lacks what run %s, which it goes on from, has of %s: checkpoints do not count these, and no "
                "step tells what was said again; log them with a step, or by environment.output_metric",
                self._run_id, earlier, ", ".join(map(repr, lost)),
            )  # fmt: skip

    def _log(self, client: TrackingClient, points: list[Metric]) -> None:
        for start in range(0, len(points), LARGEST_BATCH):
            client.log_batch(self._run_id, metrics=points[start : start + LARGEST_BATCH])

    def _read_points(self, client: TrackingClient, run_id: str, counts: Mapping[str, int]) -> list[Metric]:
        points = list[Metric]()
        for key, count in counts.items():
            history = sorted(client.get_metric_history(run_id, key), key=lambda point: (point.timestamp, point.step))
            if count and not history:
                self.is_missing = True
                _logger.warning("Run %s, which run %s goes on from, has no points of %r", run_id, self._run_id, key)
            points += [Metric(key, each.value, each.timestamp, each.step) for each in history[:count]]
        return points
