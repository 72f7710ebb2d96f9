"""Notes in a run how often its job was started, why again, and what that has cost."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mlflow.entities import Metric, RunTag

from tg.common.delivery.sagemaker.contract.log_event import JobStep
from tg_mlflow.errors import TrackingError
from tg_mlflow.replay.said_points import SaidPoints
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import flush_events, note_event
from tg_mlflow.tracking.tags import ATTEMPTS_TAG, LOST_SECONDS_METRIC

_logger = logging.getLogger("mlflow.tg_mlflow")

# Steps of a job on SageMaker: which one follows an interruption differs. Source: the Amazon SageMaker developer guide,
# "Managed Spot Training Lifecycle", and the values of SecondaryStatus.
_INTERRUPTED, _RESTARTING = "Interrupted", "Restarting"
_WITHOUT_MACHINES = (_INTERRUPTED, _RESTARTING, "Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack")
_ENDING = ("Uploading", "Stopping", "Stopped", "Completed", "Failed", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")
_WORD_BEGINNING = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass
class _Job:
    """When a job's process began, and what the job has come to; in milliseconds since 1970 (UTC)."""

    starts: list[int] = field(default_factory=list)
    steps: set[tuple[int, str]] = field(default_factory=set)

    @property
    def restarts(self) -> list[int]:
        """When the place began to start the job again."""
        return [
            time
            for (_, before), (time, status) in pairwise(sorted(self.steps))
            if (before == _INTERRUPTED and status not in (_INTERRUPTED, *_ENDING))
            or (status == _RESTARTING and before != _RESTARTING)
        ]

    @property
    def waits(self) -> Iterator[tuple[int, int]]:
        """From when to when it was interrupted and had no machines."""
        since = None
        for time, status in sorted(self.steps):
            if status == _INTERRUPTED and since is None:
                since = time
            elif since is not None and status not in _WITHOUT_MACHINES:
                yield since, time
                since = None

    @property
    def count(self) -> int:
        """How many attempts there were: an interruption may come before the process has begun."""
        restarts = len(self.restarts)
        return max(len(self.starts), restarts + 1 if restarts else 0)


class AttemptNotes:
    """Gathers what a run's jobs and their places say of starts, and notes each on the run's timeline.

    That is written from threads of its own, so that a slow tracking server does not slow down the training.

    Args:
        client: The tracking server's, which is not waited for.
        run_id: The run.
        said: When which points of metrics were said.
    """

    def __init__(self, client: TrackingClient, run_id: str, said: SaidPoints) -> None:
        self._client = client.without_patience()
        self._run_id = run_id
        self._said = said
        self._jobs = [_Job()]
        self._threads: list[threading.Thread] = []

    @property
    def count(self) -> int:
        """How many attempts there were, at least one."""
        return max(1, sum(job.count for job in self._jobs))

    def begin_job(self) -> None:
        """Begins another job."""
        self._jobs.append(_Job())

    def take_start(self, time_ms: int) -> None:
        """Takes that the job's process has begun."""
        self._jobs[-1].starts.append(time_ms)
        number = self.count
        self._note("restarted" if number > 1 else "started", f"attempt {number}" if number > 1 else "", time_ms)

    def take_step(self, step: JobStep, time_ms: int) -> None:
        """Takes what the job has come to in the words of its place."""
        self._jobs[-1].steps.add((time_ms, step.status))
        self._note(" ".join(_WORD_BEGINNING.split(step.status)).lower(), step.message, time_ms)

    def take_resumption(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes that the job's training goes on from a checkpoint."""
        self._note("resumed", f"from the checkpoint of step {content.get('step')}", time_ms)

    def _note(self, state: str, cause: str, time_ms: int) -> None:
        note_event(self._client, self._run_id, state, cause, time_ms, is_urgent=False)
        thread = threading.Thread(target=flush_events, args=(self._client, self._run_id), name="tg-events", daemon=True)
        thread.start()
        self._threads = [each for each in (*self._threads, thread) if each.is_alive()]

    def write(self, end_ms: int) -> None:
        """Notes how many attempts there were, if more than one, and how much time was lost; never fails the run.

        What was noted before is in the run then, if the server takes it.

        Args:
            end_ms: When the output has ended.
        """
        for thread in self._threads:
            thread.join()
        if self.count == 1:
            return
        lost = Metric(LOST_SECONDS_METRIC, self.find_lost_seconds(end_ms), end_ms, 0)
        try:
            self._client.log_batch(self._run_id, metrics=[lost], tags=[RunTag(ATTEMPTS_TAG, str(self.count))])
        except TrackingError as error:
            _logger.warning("The run cannot be told that its job had %d attempts: %s", self.count, error)

    def find_lost_seconds(self, end_ms: int, only_on_machines: bool = False) -> float:
        """Finds how much time all interruptions have cost.

        That is the time from the last new point of a metric before each to the first new one after it. Without metrics,
        it goes from the first start to the last one.

        Args:
            end_ms: When the output has ended.
            only_on_machines: Whether to leave out the time in which the job waited for machines.
        """
        gaps = list(self._find_gaps(end_ms))
        lost = sum(end - begin for begin, end in gaps)
        if only_on_machines:
            waits = [wait for job in self._jobs for wait in job.waits]
            lost -= sum(max(0, min(end, to) - max(begin, since)) for begin, end in gaps for since, to in waits)
        return lost / 1000

    def _find_gaps(self, end_ms: int) -> Iterator[tuple[int, int]]:
        """Finds the times without a new point around the beginning of each further attempt; none overlap."""
        starts = sorted(time for job in self._jobs for time in job.starts)
        borders = sorted([*starts[1:], *(time for job in self._jobs for time in job.restarts)])
        spans, last_end = self._said.list_spans() if borders else [], 0
        for border in borders:
            begin = max((last for _, last in spans if last < border), default=starts[0] if starts else border)
            end = min((first for first, _ in spans if first >= border), default=end_ms if spans else border)
            begin = max(begin, last_end)
            if end > begin:
                yield begin, end
                last_end = end
