"""Trains members of a sweep, each in a run of its own below the sweep's, from as many threads as one likes."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import Listener, LogEvent, SagemakerConfig, SagemakerExecutor, SagemakerRemoteExecutor
from tg_mlflow.places.config import BackendConfig
from tg_mlflow.sweeps.plan import SweepMember
from tg_mlflow.sweeps.report.table import FAILED, FINISHED, KILLED, NOT_STARTED, SweepChildResult
from tg_mlflow.takeover.attach import record_rest
from tg_mlflow.takeover.cancellation import cancel_job
from tg_mlflow.takeover.run_job import RunJob
from tg_mlflow.tracking.masking_client import MaskingClient
from tg_mlflow.tracking.patience import is_final, patiently, read_patience
from tg_mlflow.training.creation import create_child_run
from tg_mlflow.training.recorded import TrainingEnd, read_end, train_recorded
from tg_mlflow.training.submission import ExecutorFactory

_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass
class SweepTrainer:
    """Trains members of a sweep, and can stop all that it trains.

    Attributes:
        client: The tracking server's.
        make_executor: Where they are trained.
        parent: The sweep's run.
        left: Those whose launcher is gone, by the member's name: they are recorded to their end.
        results: How each has ended, by the member's name.
        is_without_server: Whether the tracking server has stayed away for so long that none is begun any more.
    """

    client: MaskingClient
    make_executor: ExecutorFactory
    parent: Run
    left: Mapping[str, RunJob] = field(default_factory=dict)
    results: dict[str, SweepChildResult] = field(default_factory=dict)
    is_without_server: bool = False
    _running: dict[str, SagemakerExecutor] = field(default_factory=dict)
    _interrupted: threading.Event | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_stopping(self) -> bool:
        """Whether all are stopped."""
        return self._stopping.is_set()

    def train(self, member: SweepMember, delivery: SagemakerConfig, show: Listener | None = None) -> None:
        """Trains a member in a run of its own and keeps its result.

        Does nothing once all are stopped, or the tracking server has stayed away.

        Args:
            member: The training.
            delivery: How it is delivered.
            show: Called with the training's output as it is recorded; what it raises stops the training.

        Raises:
            KeyboardInterrupt: If it is interrupted, or all are stopped; the run is KILLED then.
        """
        if self.is_stopping or self.is_without_server:
            return
        client = MaskingClient(self.client.tracking_uri, self.client.mask)
        left, run_id, failure, status = self.left.get(member.name), None, None, KILLED
        try:
            if left is not None:
                run_id = left.run.info.run_id
                end = self._record_rest(client, left)
            else:
                run_id = self._create_run(client, member)
                source = _MemberTraining(delivery, self._following)
                end = train_recorded(
                    client, run_id, member.params, source, member.config, self._make_executor, show or _show_nothing
                )
            failure, status = end.failure and end.failure.partition("\n")[0], end.status
        except (MlflowException, OSError) as error:
            # The others go on: the server may be back when they have something to say.
            failure, status = f"the tracking server did not answer: {error}", FAILED
        finally:  # also of an interrupt, which has ended the run
            self.results[member.name] = _read_result(client, run_id, member, status, failure)

    def _create_run(self, client: MaskingClient, member: SweepMember) -> str:
        # A server that has created it but could not say so has one run too many, which is ended with the sweep.
        create = partial(create_child_run, client, self.parent, member.name)
        try:
            return patiently(create, read_patience(), "a new run")
        except (MlflowException, OSError) as error:
            self.is_without_server |= not is_final(error)  # each of the others would wait as long
            raise

    def _record_rest(self, client: MaskingClient, left: RunJob) -> TrainingEnd:
        try:
            record_rest(client, left, _show_nothing, self._following)
        except KeyboardInterrupt:
            cancel_job(client, left)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and told to whoever called
            return read_end(client, left.run.info.run_id, error)
        get_run = partial(client.get_run, left.run.info.run_id)
        return TrainingEnd(patiently(get_run, read_patience(), "a question").info.status)

    def _make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        executor = self.make_executor(delivery)
        if isinstance(executor, SagemakerRemoteExecutor):
            self._interrupted = executor.interrupted  # which all that share an account have in common
            if self.is_stopping:
                executor.interrupted.set()
        return executor

    @contextmanager
    def _following(self, executor: SagemakerExecutor, job_id: str) -> Iterator[None]:
        """Lets the job be stopped from another thread; a job that has come too late is stopped at once."""
        with self._lock:
            self._running[job_id] = executor
        try:
            if self.is_stopping:
                raise KeyboardInterrupt
            yield
        finally:
            with self._lock:
                del self._running[job_id]

    def stop(self, futures: Sequence["Future[None]"] = ()) -> None:
        """Has no more trainings begun, and those that run ended; returns when all are, or after another interrupt.

        Args:
            futures: Trainings in other threads, which are waited for, too.
        """
        self._stopping.set()
        for future in futures:
            future.cancel()
        with self._lock:
            running = dict(self._running)
        if running:
            _logger.info("Stopping %d trainings; press Ctrl-C again not to wait for them", len(running))
        if self._interrupted is not None:
            self._interrupted.set()  # for those that wait to be created
        stops = [threading.Thread(target=_cancel, args=each, daemon=True) for each in running.items()]
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
    follow: Callable[[SagemakerExecutor, str], AbstractContextManager[None]]

    def delivering(self, config: BackendConfig) -> AbstractContextManager[SagemakerConfig]:
        return nullcontext(self.delivery)

    def following(self, executor: SagemakerExecutor, job_id: str) -> AbstractContextManager[None]:
        return self.follow(executor, job_id)


def _cancel(job_id: str, executor: SagemakerExecutor) -> None:
    try:
        executor.cancel(job_id)
    except DeliveryError as error:
        _logger.warning("Job %s could not be stopped; see that it ends: %s", job_id, error)


def _read_result(
    client: MaskingClient, run_id: str | None, member: SweepMember, status: str, failure: str | None
) -> SweepChildResult:
    if run_id is None:
        return SweepChildResult(member.name, None, NOT_STARTED, None, member.combination, {}, failure)
    try:
        # If it is away where a training has ended well, that is from now on.
        seconds = read_patience() if status == FINISHED else 0
        run = patiently(partial(client.get_run, run_id), seconds, "a question")
    except (MlflowException, OSError) as error:
        said = failure or f"the tracking server did not answer: {error}"
        return SweepChildResult(member.name, run_id, FAILED, None, member.combination, {}, said)
    return describe_child(run, member.name, member.combination, status, failure)


def describe_child(
    run: Run, name: str, combination: Mapping[str, Any], status: str, failure: str | None
) -> SweepChildResult:
    """Describes how a training has ended that has a run.

    Args:
        run: The run.
        name: What the training is called.
        combination: Its value of each parameter that the sweep is of.
        status: Its status.
        failure: Why it failed.
    """
    end_time = run.info.end_time
    seconds = None if end_time is None else (end_time - run.info.start_time) / 1000
    if status not in (FINISHED, KILLED):
        status = FAILED  # also where not all of it is recorded
    return SweepChildResult(name, run.info.run_id, status, seconds, combination, run.data.metrics, failure)


def _show_nothing(event: LogEvent) -> None:
    """The log of each training is in its run; many at once would be a muddle."""
