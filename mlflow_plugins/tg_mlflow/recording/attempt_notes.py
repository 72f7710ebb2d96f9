"""Notes in a run how often its job was started, why again, and what that has cost."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlflow.entities import Metric, RunTag

from tg.common.delivery.sagemaker.contract.log_event import JobStep
from tg_mlflow.errors import TrackingError
from tg_mlflow.replay.said_points import SaidPoints
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.tags import ATTEMPTS_TAG, LOST_SECONDS_METRIC

_logger = logging.getLogger("mlflow.tg_mlflow")

# Steps of a job on SageMaker.
_INTERRUPTED, _RESTARTING = "Interrupted", "Restarting"
_WORD_BEGINNING = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass
class _Job:
    """When a job was started, was interrupted, and got machines again, in milliseconds since 1970 (UTC)."""

    starts: list[int] = field(default_factory=list)
    interruptions: list[int] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many attempts there were, whatever of them has reached the log."""
        if not (self.starts or self.restarts):
            return 0
        borders = [-1, *sorted(self.restarts)]
        before = [sum(time < border for time in self.starts) for border in borders[1:]]
        counted = [last - first for first, last in zip([0, *before], [*before, len(self.starts)], strict=True)]
        return sum(max(1, each) for each in counted)


class AttemptNotes:
    """Gathers what a run's jobs and their places say of starts, and notes each on the run's timeline.

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
        job = self._jobs[-1]
        if step.status == _INTERRUPTED and time_ms not in job.interruptions:
            job.interruptions.append(time_ms)
        elif step.status == _RESTARTING and time_ms not in job.restarts:
            job.restarts.append(time_ms)
        self._note(" ".join(_WORD_BEGINNING.split(step.status)).lower(), step.message, time_ms)

    def _note(self, state: str, cause: str, time_ms: int) -> None:
        note_event(self._client, self._run_id, state, cause, time_ms)

    def write(self, end_ms: int) -> None:
        """Notes how many attempts there were, if more than one, and how much time was lost; never fails the run.

        Args:
            end_ms: When the output has ended.
        """
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
            waits = [wait for job in self._jobs for wait in zip(job.interruptions, job.restarts, strict=False)]
            lost -= sum(max(0, min(end, to) - max(begin, since)) for begin, end in gaps for since, to in waits)
        return lost / 1000

    def _find_gaps(self, end_ms: int) -> Iterator[tuple[int, int]]:
        """Finds the times without a new point around the beginning of each further attempt; none overlap."""
        spans, last_end = self._said.list_spans(), 0
        starts = sorted(time for job in self._jobs for time in job.starts)
        borders = [*starts[1:], *(time for job in self._jobs for time in job.restarts)]
        for border in sorted(borders):
            begin = max((last for _, last in spans if last < border), default=starts[0] if starts else border)
            end = min((first for first, _ in spans if first >= border), default=end_ms if spans else border)
            begin = max(begin, last_end)
            if end > begin:
                yield begin, end
                last_end = end
