"""Trains members of a sweep, each in a run of its own below the sweep's, from any number of threads."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from mlflow.entities import Run

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import Executor, Listener, LogEvent, SagemakerConfig
from tg_mlflow.cost.costs import Costs
from tg_mlflow.errors import TrackingError, describe_failure
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.report.table import FAILED, FINISHED, KILLED, NOT_STARTED, SweepChildResult, describe_child
from tg_mlflow.takeover.rest import cancel_job, record_rest
from tg_mlflow.takeover.run_job import RunJob
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.stop_reasons import note_stop_reason
from tg_mlflow.training.creation import create_child_run
from tg_mlflow.training.end import TrainingEnd, read_end
from tg_mlflow.training.training import Training, train_recorded

_logger = logging.getLogger("mlflow.tg_mlflow")

_Following: TypeAlias = Callable[[Executor, str], AbstractContextManager[None]]


@dataclass
class SweepTrainer:
    """Trains members of a sweep, and can stop them all.

    Attributes:
        client: The tracking server's.
        executor: The executor that runs them.
        parent: The sweep's run.
        left: Those whose launcher is gone, by the member's name: they are recorded to their end.
        results: How each has ended, by the member's name.
        costs: What all cost; by default, nobody counts it together. Once the budget is spent, all are stopped.
        is_without_server: Whether the tracking server has been away for so long that no more trainings are started.
    """

    client: TrackingClient
    executor: Executor
    parent: Run
    left: Mapping[str, RunJob] = field(default_factory=dict)
    results: dict[str, SweepChildResult] = field(default_factory=dict)
    costs: Costs | None = None
    is_without_server: bool = False
    _running: dict[str, Executor] = field(default_factory=dict)
    _run_ids: set[str] = field(default_factory=set)
    _stop_reason: str = ""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.costs is not None:
            self.costs.budget.when_reached(self._stop_for_cost)

    def _stop_for_cost(self, reason: str) -> None:
        stop = partial(self.stop, reason=reason)
        threading.Thread(target=stop, name="stop-for-cost", daemon=True).start()

    @property
    def is_stopping(self) -> bool:
        """Whether all are stopped."""
        return self._stopping.is_set()

    def train(
        self,
        member: SweepMember,
        delivery: SagemakerConfig,
        show: Listener | None = None,
        tell_completed: Callable[[], None] = lambda: None,
    ) -> None:
        """Trains a member in a run of its own and keeps its result.

        Does nothing once all are stopped, or the tracking server has been given up.

        Args:
            member: The training.
            delivery: Its delivery.
            show: Called with the training's output as it is recorded; an exception of it stops the training.
            tell_completed: Called when the job has completed and only its results are left to record.

        Raises:
            KeyboardInterrupt: If it is interrupted, or all are stopped; the run is KILLED then.
        """
        if self.is_stopping or self.is_without_server or (self.costs is not None and self.costs.budget.is_reached):
            return
        following = partial(self._following, tell_completed=tell_completed)
        left, run_id, failure, status = self.left.get(member.name), None, None, KILLED
        try:
            if left is not None:
                run_id = left.run_id
                self._add_run(run_id)
                end = self._record_rest(left, following)
            else:
                run_id = self._create_run(member)
                self._add_run(run_id)
                source = _MemberTraining(delivery, following)
                config = member.config.model_copy(update={"register": None})  # only the best of them is registered
                training = Training(source, config, self.executor, show or show_nothing, self.costs)
                end = train_recorded(self.client, run_id, member.params, training)
            failure, status = end.failure and end.failure.partition("\n")[0], end.status
        except TrackingError as error:
            # The others go on: the server may be back when they have something to record.
            failure, status = f"the tracking server did not answer: {error}", FAILED
        finally:  # also of an interrupt, which has ended the run
            self.results[member.name] = _read_result(self.client, run_id, member, status, failure)

    def _add_run(self, run_id: str) -> None:
        with self._lock:
            self._run_ids.add(run_id)
            if self.is_stopping:
                note_stop_reason(self.client, run_id, self._stop_reason)

    def _create_run(self, member: SweepMember) -> str:
        # If the server created it but its answer was lost, the extra run is ended with the sweep.
        create = partial(create_child_run, self.client, self.parent, member.name)
        try:
            return self.client.repeat(create, "a new run")
        except TrackingError as error:
            self.is_without_server |= not error.is_final  # each of the others would wait as long
            raise

    def _record_rest(self, left: RunJob, following: _Following) -> TrainingEnd:
        try:
            record_rest(self.client, left, show_nothing, following, self.costs)
        except KeyboardInterrupt:
            cancel_job(self.client.without_patience(), left)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and returned to the caller
            return read_end(self.client, left.run_id, error)
        return TrainingEnd(self.client.get_run(left.run_id).info.status)

    @contextmanager
    def _following(
        self, executor: Executor, job_id: str, tell_completed: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Lets the job be stopped from another thread; a job that arrives too late is stopped at once."""
        with self._lock:
            self._running[job_id] = executor
        try:
            if self.is_stopping:
                raise KeyboardInterrupt
            yield
            tell_completed()
        finally:
            with self._lock:
                self._running.pop(job_id, None)

    def stop(self, futures: Sequence["Future[None]"] = (), reason: str = "an interrupt of its launcher") -> None:
        """Starts no more trainings and stops the running ones; returns when all have ended, or after another interrupt.

        Args:
            futures: Trainings in other threads, which are also waited for.
            reason: Why, for the runs of those that are stopped.
        """
        with self._lock:
            self._stop_reason = self._stop_reason or f"its sweep, run {self.parent.info.run_id}, was stopped: {reason}"
            self._stopping.set()
            running = dict(self._running)
            for run_id in self._run_ids:
                note_stop_reason(self.client, run_id, self._stop_reason)
        for future in futures:
            future.cancel()
        if running:
            _logger.info("Stopping %d trainings; press Ctrl-C again not to wait for them", len(running))
        self.executor.interrupt()  # for those that wait to be created
        stops = [
            threading.Thread(target=_cancel, args=(executor, job_id), daemon=True)
            for job_id, executor in running.items()
        ]
        for each in stops:
            each.start()
        try:
            for each in stops:
                each.join()
            wait(futures)
        except KeyboardInterrupt:
            for job_id, executor in running.items():
                executor.kill(job_id)
            wait(futures)


@dataclass(frozen=True)
class _MemberTraining:
    delivery: SagemakerConfig
    follow: _Following

    def delivering(self, config: PlaceConfig) -> AbstractContextManager[SagemakerConfig]:
        return nullcontext(self.delivery)

    def following(self, executor: Executor, job_id: str) -> AbstractContextManager[None]:
        return self.follow(executor, job_id)


def _cancel(executor: Executor, job_id: str) -> None:
    try:
        executor.cancel(job_id)
    except DeliveryError as error:
        _logger.warning("Job %s could not be stopped; see that it ends: %s", job_id, describe_failure(error))


def _read_result(
    client: TrackingClient, run_id: str | None, member: SweepMember, status: str, failure: str | None
) -> SweepChildResult:
    if run_id is None:
        return SweepChildResult(member.name, None, NOT_STARTED, None, member.combination, {}, failure)
    try:
        run = (client if status == FINISHED else client.without_patience()).get_run(run_id)
    except TrackingError as error:
        said = failure or f"the tracking server did not answer: {error}"
        return SweepChildResult(member.name, run_id, FAILED, None, member.combination, {}, said)
    return describe_child(run, member.name, member.combination, status, failure)


def show_nothing(event: LogEvent) -> None:
    """Shows none of a training's output: it is in the run, and several at once would be confusing."""
