"""Trains the members of a sweep in parallel, or one after another, and reports the end of each."""

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from tg.common.delivery.sagemaker import SagemakerConfig
from tg_mlflow.console import ProgressLine, colour_states
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.report.table import FAILED, FINISHED, NOT_STARTED, SweepChildResult, mask_result
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.stop_reasons import describe_stop
from tg_mlflow.tracking.tags import OWN_PREFIX

_logger = logging.getLogger("mlflow.tg_mlflow")

_LOOK_SECONDS = 1

Training: TypeAlias = tuple[SweepMember, SagemakerConfig]
Tell: TypeAlias = Callable[[SweepChildResult, int, int], None]


def tell_end(result: SweepChildResult, number: int, count: int) -> None:
    """Logs that a training has ended, and how many have."""
    status = colour_states(result.status, sys.stderr)
    _logger.info("[%d/%d] %s %s%s", number, count, result.name, status, _describe(result))


def tell_with_progress(tell: Tell, line: ProgressLine) -> Tell:
    """Lets the last line of a terminal say how many trainings have ended, below what is told of each."""

    def tell_both(result: SweepChildResult, number: int, count: int) -> None:
        line.clear()
        tell(result, number, count)
        line.show(number, count, f"{number} of {count} trainings")

    return tell_both


class Trainer(Protocol):
    """Trains one member of a sweep at a time in each thread; see :class:`SweepTrainer`."""

    client: TrackingClient
    results: dict[str, SweepChildResult]

    @property
    def is_stopping(self) -> bool:
        """Whether all are stopped."""

    def train(
        self, member: SweepMember, delivery: SagemakerConfig, *, tell_completed: Callable[[], None] = lambda: None
    ) -> None:
        """Trains a member in a run of its own and keeps its result."""

    def stop(self, futures: Sequence["Future[None]"] = (), reason: str = "") -> None:
        """Starts no more trainings and stops the running ones, whose runs say why."""


@dataclass(frozen=True)
class SweepChildren:
    """The trainings of a sweep while they run.

    Attributes:
        trainer: Trains each.
        max_parallel: How many are trained at once.
        stop_on_failure: Whether the first one that fails stops the others.
        tell: Called in this thread when a training has ended, with how many have.
        primary_metric: The metric that all trainings should have. The first one that finishes without it stops the
            others, unless another one has it.
    """

    trainer: Trainer
    max_parallel: int
    stop_on_failure: bool
    tell: Tell = tell_end
    primary_metric: str | None = None

    @property
    def lacks_metric(self) -> bool:
        """Whether trainings have finished and none has the primary metric, even as NaN: its name is wrong."""
        finished = [each for each in self.trainer.results.values() if each.status == FINISHED]
        name = self.primary_metric
        return name is not None and bool(finished) and not any(name in each.metrics for each in finished)

    def train_one_after_another(self, trainings: Sequence[Training]) -> None:
        """Trains all in this thread, as trainings in this process require.

        Raises:
            KeyboardInterrupt: If it is interrupted.
        """
        before = len(self.trainer.results)
        for number, (member, delivery) in enumerate(trainings, start=before + 1):
            if not self.trainer.is_stopping:
                self.trainer.train(member, delivery)
                self._tell(member, number, before + len(trainings))

    def train_at_once(self, trainings: Sequence[Training]) -> None:
        """Trains all in threads, in their order.

        The next training starts when another one's job has completed: while that one's results are recorded. Those of
        as many as are trained at once, not more, so that what waits to be recorded stays within bounds.

        Raises:
            KeyboardInterrupt: If it is interrupted; nothing runs any more then.
        """
        unrecorded = dict[Future[None], SweepMember]()
        with ThreadPoolExecutor(2 * self.max_parallel, thread_name_prefix="sweep") as pool:
            try:
                self._train_all(pool, trainings, unrecorded)
            except BaseException as error:
                self._stop(unrecorded, error)
                raise

    def _train_all(
        self, pool: ThreadPoolExecutor, trainings: Sequence[Training], unrecorded: dict[Future[None], SweepMember]
    ) -> None:
        ended = len(self.trainer.results)
        count = ended + len(trainings)
        left, training = deque(trainings), set[str]()
        # The name of a training whose job has completed, or the future of one that is recorded to its end.
        news = SimpleQueue[str | Future[None]]()
        while left or unrecorded:
            while left and len(training) < self.max_parallel and len(unrecorded) < 2 * self.max_parallel:
                member, delivery = left.popleft()
                training.add(member.name)
                tell_completed = partial(news.put, member.name)
                future = pool.submit(self._train_in_thread, member, delivery, tell_completed)
                unrecorded[future] = member
                future.add_done_callback(news.put)
            try:
                told = news.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(told, str):
                training.discard(told)
                continue
            member = unrecorded.pop(told)
            training.discard(member.name)
            told.result()
            ended += 1
            self._tell(member, ended, count)

    def _stop(self, futures: Iterable["Future[None]"], error: BaseException) -> None:
        """Stops all, whenever further interrupts come: a training that nobody stops would hold this process up."""
        while True:
            try:
                return self.trainer.stop(list(futures), describe_stop(error))
            except KeyboardInterrupt:
                continue

    def _tell(self, member: SweepMember, number: int, count: int) -> None:
        result = self.trainer.results.get(member.name)
        if result is not None:
            self.tell(mask_result(result, self.trainer.client.mask), number, count)
            if result.status == FAILED and self.stop_on_failure and not self.trainer.is_stopping:
                _logger.warning("The other trainings are stopped, as stop_on_failure says")
                self.trainer.stop(reason=f"{member.name} has failed, and stop_on_failure is set")
            if self.lacks_metric and not self.trainer.is_stopping:
                _logger.warning(
                    "The other trainings are stopped: %s has no metric %r", member.name, self.primary_metric
                )
                self.trainer.stop(reason=f"{member.name} has no metric {self.primary_metric!r}, the primary_metric")

    def _train_in_thread(
        self, member: SweepMember, delivery: SagemakerConfig, tell_completed: Callable[[], None]
    ) -> None:
        with suppress(KeyboardInterrupt):  # raised to stop it here; the user's Ctrl-C arrives in the main thread
            self.trainer.train(member, delivery, tell_completed=tell_completed)


def list_results(members: Sequence[SweepMember], results: Mapping[str, SweepChildResult]) -> list[SweepChildResult]:
    """Returns the result of each member, in their order, including those that were never started."""
    return [
        results.get(each.name) or SweepChildResult(each.name, None, NOT_STARTED, None, each.combination, {}, None)
        for each in members
    ]


def _describe(result: SweepChildResult) -> str:
    if result.failure is not None:
        return f": {result.failure}"
    metrics = {name: value for name, value in sorted(result.metrics.items()) if not name.startswith(OWN_PREFIX)}
    return "".join(f"  {name} {value:.6g}" for name, value in list(metrics.items())[:3])
