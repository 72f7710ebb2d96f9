"""Trains the members of a sweep at the same time, each with a run of its own below the sweep's."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import LogEvent, SagemakerConfig, SagemakerExecutor, SagemakerRemoteExecutor
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.patience import patiently, read_patience
from tg_mlflow.recorded_training import TrainingEnd, read_end, train_recorded
from tg_mlflow.resume import cancel_job, record_rest
from tg_mlflow.run_job import RunJob
from tg_mlflow.run_lifecycle import create_child_run
from tg_mlflow.sweep_plan import SweepMember
from tg_mlflow.sweep_table import FAILED, FINISHED, KILLED, NOT_STARTED, SweepChildResult
from tg_mlflow.training import ExecutorFactory

_logger = logging.getLogger("mlflow.tg_mlflow")

_LOOK_SECONDS = 1

Training: TypeAlias = tuple[SweepMember, SagemakerConfig]
Tell: TypeAlias = Callable[[SweepChildResult, int, int], None]


def tell_end(result: SweepChildResult, number: int, count: int) -> None:
    """Says in the log that a training has ended, as so many of so many have now."""
    _logger.info("[%d/%d] %s %s%s", number, count, result.name, result.status, _describe(result))


@dataclass
class SweepChildren:
    """The trainings of a sweep while they run.

    Attributes:
        client: The tracking server's.
        make_executor: Where they are trained.
        parent: The sweep's run.
        max_parallel: How many are trained at once.
        stop_on_failure: Whether the first one that fails stops the others.
        tell: Called in this thread when a training has ended, with how many have.
        left: Those whose launcher is gone, by the member's name: they are recorded to their end.
        results: How each has ended, by the member's name.
    """

    client: MaskingClient
    make_executor: ExecutorFactory
    parent: Run
    max_parallel: int
    stop_on_failure: bool
    tell: Tell = tell_end
    left: Mapping[str, RunJob] = field(default_factory=dict)
    results: dict[str, SweepChildResult] = field(default_factory=dict)
    _running: dict[str, SagemakerExecutor] = field(default_factory=dict)
    _interrupted: threading.Event | None = None
    _is_stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def train_one_after_another(self, trainings: Sequence[Training]) -> None:
        """Trains all in this thread, as those must be that train in this process.

        Raises:
            KeyboardInterrupt: If it is interrupted.
        """
        before = len(self.results)
        for number, (member, delivery) in enumerate(trainings, start=before + 1):
            if not self._is_stopping.is_set():
                self._train(member, delivery)
                self._tell(member, number, before + len(trainings))

    def train_at_once(self, trainings: Sequence[Training]) -> None:
        """Trains all in threads.

        Raises:
            KeyboardInterrupt: If it is interrupted; nothing runs any more then.
        """
        ended = len(self.results)
        count = ended + len(trainings)
        with ThreadPoolExecutor(self.max_parallel, thread_name_prefix="sweep") as pool:
            waiting = {pool.submit(self._train_in_thread, *each): each[0] for each in trainings}
            try:
                while waiting:
                    for future in wait(waiting, _LOOK_SECONDS, return_when="FIRST_COMPLETED").done:
                        member = waiting.pop(future)
                        future.result()
                        ended += 1
                        self._tell(member, ended, count)
            except BaseException:
                self._stop(list(waiting))
                raise

    def _tell(self, member: SweepMember, number: int, count: int) -> None:
        result = self.results.get(member.name)
        if result is not None:
            self.tell(result, number, count)
            if result.status == FAILED and self.stop_on_failure and not self._is_stopping.is_set():
                _logger.warning("The other trainings are stopped, as stop_on_failure says")
                self._stop([])

    def _train_in_thread(self, member: SweepMember, delivery: SagemakerConfig) -> None:
        with suppress(KeyboardInterrupt):  # how it is stopped here; the user's own comes to the main thread
            self._train(member, delivery)

    def _train(self, member: SweepMember, delivery: SagemakerConfig) -> None:
        if self._is_stopping.is_set():
            return
        client = MaskingClient(self.client.tracking_uri, self.client.mask.copy())
        left, run_id, failure, status = self.left.get(member.name), None, None, KILLED
        try:
            if left is not None:
                run_id = left.run.info.run_id
                end = self._record_rest(client, left)
            else:
                run_id = self._create_run(client, member)
                source = _MemberTraining(delivery, self._following)
                end = train_recorded(
                    client, run_id, member.params, source, member.config, self._make_executor, _show_nothing
                )
            failure, status = end.failure and end.failure.partition("\n")[0], end.status
        except (MlflowException, OSError) as error:
            # The others go on: the server may be back when they have something to say.
            failure, status = f"the tracking server did not answer: {error}", FAILED
        finally:  # also of an interrupt, which has ended the run
            self.results[member.name] = _read_result(client, run_id, member, status, failure)

    def _create_run(self, client: MaskingClient, member: SweepMember) -> str:
        # A server that has created it but could not say so has one run too many, without a job; it is better than none.
        create = partial(create_child_run, client, self.parent, member.name)
        return patiently(create, read_patience(), "a new run")

    def _record_rest(self, client: MaskingClient, left: RunJob) -> TrainingEnd:
        try:
            record_rest(client, left, _show_nothing, self._following)
        except KeyboardInterrupt:
            cancel_job(client, left)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and told to whoever called
            return read_end(client, left.run.info.run_id, error)
        return TrainingEnd(client.get_run(left.run.info.run_id).info.status)

    def _make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        executor = self.make_executor(delivery)
        if isinstance(executor, SagemakerRemoteExecutor):
            self._interrupted = executor.interrupted  # which all that share an account have in common
            if self._is_stopping.is_set():
                executor.interrupted.set()
        return executor

    @contextmanager
    def _following(self, executor: SagemakerExecutor, job_id: str) -> Iterator[None]:
        """Lets the job be stopped from another thread; a job that has come too late is stopped at once."""
        with self._lock:
            self._running[job_id] = executor
        try:
            if self._is_stopping.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            with self._lock:
                del self._running[job_id]

    def _stop(self, futures: Sequence["Future[None]"]) -> None:
        """Has no more trainings begun, and those that run ended; returns when all are, or after another interrupt."""
        self._is_stopping.set()
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
        run = client.get_run(run_id)
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


def list_results(members: Sequence[SweepMember], results: Mapping[str, SweepChildResult]) -> list[SweepChildResult]:
    """How each member has ended, in their order; also those that were never started."""
    return [
        results.get(each.name) or SweepChildResult(each.name, None, NOT_STARTED, None, each.combination, {}, None)
        for each in members
    ]


def _describe(result: SweepChildResult) -> str:
    if result.failure is not None:
        return f": {result.failure}"
    metrics = {name: value for name, value in sorted(result.metrics.items()) if not name.startswith("tg.")}
    return "".join(f"  {name} {value:.6g}" for name, value in list(metrics.items())[:3])


def _show_nothing(event: LogEvent) -> None:
    """The log of each training is in its run; many at once would be a muddle."""
