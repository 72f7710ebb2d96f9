"""Records what a job uses while it runs, beside its recording."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from mlflow.entities import Metric
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker import Executor
from tg.common.exception_text import describe_exception
from tg.common.system.repeating import repeating
from tg_mlflow.errors import RecordingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import ADVICE_TAG
from tg_mlflow.usage.points import UsagePoints
from tg_mlflow.usage.totals import UsageTotals

_logger = logging.getLogger("mlflow.tg_mlflow")

# How many points a request takes, and how many wait at most for a server that is away.
_LARGEST_BATCH = 1000
_MOST_PENDING = 100_000
# The name that MLflow gives to the thread of its own monitor.
_OWN_MONITOR = "SystemMetricsMonitor"


@contextmanager
def sampling_usage(
    client: TrackingClient, run_id: str, executor: Executor, job_id: str, seconds: float, is_first: bool = False
) -> Iterator[None]:
    """Records what a job uses as MLflow's system metrics while the context is open, and in the end what it adds up to.

    It never fails, and holds nothing up for longer than some seconds. Points of another process are continued.

    Args:
        client: The tracking server's.
        run_id: The run.
        executor: The executor that can reach the job.
        job_id: The job, which need not be there yet.
        seconds: The pause between two readings; 0 for none at all. None are taken either where MLflow's own variable
            says so.
        is_first: Whether nobody has recorded into the run before.
    """
    variable = MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
    if seconds == 0 or (variable.is_set() and not variable.get()):
        yield
        return
    sampler = UsageSampler(client.without_patience(), run_id, executor, job_id, UsagePoints() if is_first else None)
    with repeating(sampler.sample, seconds, "tg-usage", sampler.finish):
        try:
            yield
        except BaseException as error:
            # After an interrupt, the job may go on, too.
            sampler.goes_on = isinstance(error, (JobUnreachableError, RecordingError)) or not isinstance(
                error, Exception
            )
            raise


class UsageSampler:
    """Takes readings of a job and writes them to its run; see :func:`sampling_usage`.

    Attributes:
        goes_on: Whether the job may go on when this ends, so that another process adds up what it uses.
    """

    def __init__(
        self,
        client: TrackingClient,
        run_id: str,
        executor: Executor,
        job_id: str,
        points: UsagePoints | None = None,
    ) -> None:
        self.goes_on = False
        self._client = client
        self._run_id = run_id
        self._executor = executor
        self._job_id = job_id
        self._points = points  # None until they are read
        self._totals = UsageTotals()
        self._pending: deque[Metric] = deque(maxlen=_MOST_PENDING)

    def sample(self) -> None:
        """Takes a reading and writes it, and what could not be written before."""
        self._read()
        try:
            self._write()
        except Exception as error:  # noqa: BLE001 - a training goes on without it
            _logger.debug("The usage of job %s is written later: %s", self._job_id, describe_exception(error))

    def _read(self) -> None:
        try:
            if self._executor.traits.is_in_process and _has_own_monitor():
                return  # the same points come from MLflow
            points = self._points = self._points or self._find_points()
            readings = self._executor.usage(self._job_id, points.last_ms)
            for metric in points.build(readings):
                self._totals.add(metric)
                self._pending.append(metric)
            self._totals.cpus = next((each.cpus for each in readings if each.cpus is not None), self._totals.cpus)
        except Exception as error:  # noqa: BLE001 - a training goes on without it
            _logger.debug("The usage of job %s is not known now: %s", self._job_id, describe_exception(error))

    def finish(self) -> None:
        """Takes a last reading, writes peaks and means, and gives advice."""
        self._read()
        if not self.goes_on:
            self._add_up()
        try:
            self._write()
        except Exception as error:  # noqa: BLE001 - a training ends without it
            _logger.debug("The usage of job %s is not added up: %s", self._job_id, describe_exception(error))

    def _add_up(self) -> None:
        now = time.time_ns() // 1_000_000
        self._pending += [Metric(name, value, now, 0) for name, value in self._totals.summarize().items()]
        advice = self._totals.advise(self._executor.traits.has_own_machine)
        try:
            if advice is not None:
                _logger.info("Advice for job %s: %s", self._job_id, advice)
                self._client.set_tag(self._run_id, ADVICE_TAG, advice)
        except Exception as error:  # noqa: BLE001 - a training ends without it
            _logger.debug("The advice for job %s is not in its run: %s", self._job_id, describe_exception(error))

    def _find_points(self) -> UsagePoints:
        """Finds what another process has recorded."""
        # As MLflow's own monitor finds its last step: `data.metrics` has the values only.
        points, totals = UsagePoints(self._client.get_run(self._run_id).data._metric_objs), UsageTotals()
        for key in points.recorded_keys:
            for metric in self._client.get_metric_history(self._run_id, key):
                totals.add(metric)
        self._totals = totals
        return points

    def _write(self) -> None:
        while self._pending:
            batch = list(islice(self._pending, _LARGEST_BATCH))
            self._client.log_batch(self._run_id, metrics=batch)
            for _ in batch:
                self._pending.popleft()


def _has_own_monitor() -> bool:
    return any(thread.name == _OWN_MONITOR for thread in threading.enumerate())
