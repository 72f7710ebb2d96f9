"""Records what a job costs while it runs, and stops it at the bound."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.entities import Metric

from tg.common import DeliveryError, JobFailedError, JobStoppedError, JobUnreachableError
from tg.common.delivery.sagemaker import Executor
from tg.common.exception_text import describe_exception
from tg.common.system.repeating import repeating
from tg_mlflow.cost.costs import Costs
from tg_mlflow.errors import RecordingError, TrackingError, describe_failure
from tg_mlflow.places.training_price import TrainingPrice
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.tags import COST_METRIC

_logger = logging.getLogger("mlflow.tg_mlflow")

_LOOK_SECONDS = 1
# How often the place is asked whether a job is paid for yet. Once it is, its time passes as that of others, but for
# times in which this machine sleeps.
_ASK_SECONDS = 10
_ASK_AGAIN_SECONDS = 60
_RECORD_SECONDS = 10
_PATIENCE_SECONDS = 5
_BILLED = "billable_seconds"


@contextmanager
def guarding_cost(
    client: TrackingClient, run_id: str, executor: Executor, job_id: str, costs: Costs, attempt: int = 0
) -> Iterator["CostGuard"]:
    """Records what a job has cost as ``tg.cost_usd`` while the context is open, and stops it when the budget is spent.

    Args:
        client: The tracking server's.
        run_id: The run.
        executor: The executor that can reach the job.
        job_id: The job.
        costs: What it costs. Other trainings of the same budget stop, too.
        attempt: Which of the attempts to get a machine it is, from 0.

    Yields:
        The guard, which begins to look when it is told that there is a job, and ends at the latest when the context is
        left.

    Raises:
        JobStoppedError: With the reason, in place of what is said of a job that was ended for its cost.
    """
    guard = CostGuard(client.without_patience(), run_id, executor, job_id, costs, attempt)
    if not costs.are_recorded:
        yield guard
        return
    try:
        with repeating(guard.look, _LOOK_SECONDS, "tg-cost", guard.finish):
            try:
                yield guard
            except (JobUnreachableError, RecordingError):
                guard.goes_on = True
                raise
    except JobFailedError as error:
        if isinstance(error, JobStoppedError) and guard.has_told:
            raise JobStoppedError(f"job {job_id} was stopped: {costs.budget.reason}") from error
        if guard.has_spent_all:
            reason = f"{costs.budget.reason} ({describe_failure(error)})"
            raise JobStoppedError(f"job {job_id} was stopped: {reason}") from error
        raise


class CostGuard:
    """Looks what a job costs; see :func:`guarding_cost`.

    Attributes:
        has_job: Whether there is a job.
        goes_on: Whether the job goes on when nobody looks any more.
        has_told: Whether the job was told to stop for what it costs.
        has_spent_all: Whether nothing of the budget is left at its end, as its place, whose limit of time is the same
            bound, has stopped it while nobody looked.
    """

    def __init__(
        self, client: TrackingClient, run_id: str, executor: Executor, job_id: str, costs: Costs, attempt: int
    ) -> None:
        self.has_job = self.goes_on = self.has_told = self.has_spent_all = False
        self._client = client
        self._run_id = run_id
        self._executor = executor
        self._job_id = job_id
        self._costs = costs
        self._attempt = attempt
        self._has_finished = self._has_stopped = self._is_refused = False
        self._billed_seconds = self._billed_at = 0.0
        self._asked_at = self._recorded_at = float("-inf")
        self._begin_ms: int | None = None
        self._lock = threading.Lock()

    def look(self) -> None:
        """Finds what the job has cost, records it now and then, and stops the job if the budget is spent."""
        if not self.has_job:
            return
        try:
            with self._lock:
                price = None if self._has_finished else self._costs.find_price(self._attempt)
                if price is None:
                    return
                self._costs.warn_once()
                self._note(price, self._find_seconds(), price.stop_seconds)
        except Exception as error:  # noqa: BLE001 - it is tried again a second later
            _logger.debug("What job %s costs is not known now: %s", self._job_id, describe_exception(error))
        if self._costs.budget.is_reached and not self._has_stopped:
            self._stop()

    def finish(self) -> None:
        """Records what the job has cost in the end; once only. It does not wait for a look that hangs."""
        if not self._costs.are_recorded or not self.has_job or not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            return
        try:
            if self._has_finished or self.goes_on:
                return
            self._has_finished = True
            price = self._costs.find_price(self._attempt)
            if price is not None:
                self._recorded_at = float("-inf")
                self._note(price, self._ask(), 0)
                self.has_spent_all = self._costs.budget.is_spent(price.usd_for(_LOOK_SECONDS) or 0)
        except Exception as error:  # noqa: BLE001 - a training ends without it
            _logger.debug("What job %s has cost is not known: %s", self._job_id, describe_exception(error))
        finally:
            self._lock.release()

    def _tell(self) -> None:
        """Says once, also in the run, why the job is stopped."""
        if not self.has_told:
            self.has_told = True
            _logger.warning("Job %s is stopped: %s", self._job_id, self._costs.budget.reason)
            note_event(self._client, self._run_id, "stopping", self._costs.budget.reason)

    def _find_seconds(self) -> float:
        """Returns how long the job has been paid for."""
        now, is_billed = time.monotonic(), self._billed_seconds > 0
        if now - self._asked_at >= (_ASK_AGAIN_SECONDS if is_billed else _ASK_SECONDS):
            self._asked_at = now
            try:
                self._billed_seconds, self._billed_at = self._ask(), now
            except DeliveryError:
                if not is_billed:
                    raise
        return self._billed_seconds + now - self._billed_at if self._billed_seconds > 0 else 0

    def _ask(self) -> float:
        return self._executor.facts(self._job_id).metrics.get(_BILLED, 0)

    def _note(self, price: TrainingPrice, seconds: float, stop_seconds: float) -> None:
        usd, stop_usd = price.usd_for(seconds), price.usd_for(stop_seconds)
        if not usd or stop_usd is None:
            return
        self._costs.budget.note(self._job_id, usd, stop_usd)
        if time.monotonic() - self._recorded_at >= _RECORD_SECONDS:
            self._recorded_at = time.monotonic()
            self._record(usd)

    def _record(self, usd: float) -> None:
        try:
            if self._begin_ms is None:
                self._begin_ms = self._client.get_run(self._run_id).info.start_time
            self._client.log_batch(self._run_id, metrics=[build_cost_metric(usd, self._begin_ms)])
        except TrackingError as error:
            _logger.debug("What job %s costs is not recorded now: %s", self._job_id, error)

    def _stop(self) -> None:
        self._tell()
        try:
            self._executor.cancel(self._job_id)
            self._has_stopped = True
        except Exception as error:  # noqa: BLE001 - it is tried again
            level, self._is_refused = logging.DEBUG if self._is_refused else logging.WARNING, True
            what = "Job %s could not be stopped, and is told again and again: %s"
            _logger.log(level, what, self._job_id, describe_failure(error))


def build_cost_metric(usd: float, begin_ms: int) -> Metric:
    """Builds a point of ``tg.cost_usd`` of now; its step is the time since the run's start in seconds."""
    now = time.time_ns() // 1_000_000
    return Metric(COST_METRIC, round(usd, 6), now, max(0, now - begin_ms) // 1000)
