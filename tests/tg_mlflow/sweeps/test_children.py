"""When the trainings of a sweep start, if several run at once."""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, cast

import pytest
from mlflow import MlflowClient

from tg.common.delivery.sagemaker import SagemakerConfig
from tg_mlflow.console import ProgressLine
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.sweeps.children import SweepChildren, tell_with_progress
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.report.table import SweepChildResult
from tg_mlflow.tracking.client import TrackingClient

NAMES = ("a", "b", "c", "d", "e", "f")
_PATIENCE = 20


class HeldTrainings:
    """A trainer whose trainings go on when the test says so."""

    def __init__(self, client: TrackingClient) -> None:
        self.client = client
        self.results: dict[str, SweepChildResult] = {}
        self.is_stopping = False
        self.started: SimpleQueue[str] = SimpleQueue()
        self.told: SimpleQueue[str] = SimpleQueue()
        self.may_complete = {name: threading.Event() for name in NAMES}
        self.may_end = {name: threading.Event() for name in NAMES}
        self.failing: set[str] = set()
        self.metrics: dict[str, dict[str, float]] = {}
        self.stop_reason = ""

    def train(
        self, member: SweepMember, delivery: SagemakerConfig, *, tell_completed: Callable[[], None] = lambda: None
    ) -> None:
        if self.is_stopping:
            return
        self.started.put(member.name)
        assert self.may_complete[member.name].wait(_PATIENCE)
        if member.name not in self.failing:
            tell_completed()
            assert self.may_end[member.name].wait(_PATIENCE)
        status = "FAILED" if member.name in self.failing else "FINISHED"
        self.results[member.name] = SweepChildResult(
            member.name, "0", status, 1.0, {}, self.metrics.get(member.name, {}), None
        )

    def stop(self, futures: Sequence["Future[None]"] = (), reason: str = "") -> None:
        self.is_stopping = True
        self.stop_reason = reason

    def next_started(self) -> str:
        return self.started.get(timeout=_PATIENCE)

    def end(self, *names: str) -> None:
        for name in names:
            self.may_complete[name].set()
            self.may_end[name].set()


@pytest.fixture
def trainer(store: MlflowClient) -> HeldTrainings:
    return HeldTrainings(TrackingClient(store.tracking_uri, {}))


@contextmanager
def training(
    trainer: HeldTrainings, max_parallel: int, stop_on_failure: bool = False, primary_metric: str | None = None
) -> Iterator["Future[None]"]:
    delivery = cast(SagemakerConfig, None)
    trainings = [(SweepMember(name, {}, {}, ProcessConfig(), make_nothing), delivery) for name in NAMES]
    children = SweepChildren(
        trainer,
        max_parallel,
        stop_on_failure,
        lambda result, number, count: trainer.told.put(f"{result.name} {number}/{count}"),
        primary_metric,
    )
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(children.train_at_once, trainings)
        finally:
            trainer.end(*NAMES)


def make_nothing() -> Any:
    raise AssertionError("the task of a delivery that has been made is made again")


def test_the_next_one_starts_when_a_job_has_completed(trainer: HeldTrainings) -> None:
    with training(trainer, 2) as ended:
        assert {trainer.next_started(), trainer.next_started()} == {"a", "b"}
        trainer.may_complete["b"].set()
        assert trainer.next_started() == "c"
        assert trainer.results == {}  # b is still being recorded
        trainer.may_end["b"].set()
        assert trainer.told.get(timeout=_PATIENCE) == "b 1/6"
        assert trainer.started.empty()
        trainer.end("a")
        assert trainer.next_started() == "d"
        trainer.end(*NAMES)
        ended.result(_PATIENCE)
    assert set(trainer.results) == set(NAMES)


def test_what_waits_to_be_recorded_is_bounded(trainer: HeldTrainings) -> None:
    with training(trainer, 1):
        assert trainer.next_started() == "a"
        trainer.may_complete["a"].set()
        assert trainer.next_started() == "b"
        trainer.may_complete["b"].set()
        assert trainer.started.empty()
        trainer.may_end["b"].set()
        assert trainer.next_started() == "c"


def test_none_starts_between_a_failure_and_the_stop(trainer: HeldTrainings) -> None:
    trainer.failing.add("a")
    with training(trainer, 1, stop_on_failure=True) as ended:
        assert trainer.next_started() == "a"
        trainer.may_complete["a"].set()
        ended.result(_PATIENCE)
    assert trainer.is_stopping
    assert trainer.started.empty()
    assert set(trainer.results) == {"a"}


def test_the_first_one_without_the_primary_metric_stops_the_others(trainer: HeldTrainings) -> None:
    trainer.metrics = {"a": {"loss": 1.0}}
    with training(trainer, 1, primary_metric="los") as ended:
        assert trainer.next_started() == "a"
        trainer.may_complete["a"].set()
        assert trainer.next_started() == "b"  # while the first one is recorded
        trainer.may_end["a"].set()
        assert trainer.told.get(timeout=_PATIENCE) == "a 1/6"
        trainer.end("b")
        ended.result(_PATIENCE)
    assert trainer.is_stopping
    assert trainer.stop_reason == "a has no metric 'los', the primary_metric"
    assert set(trainer.results) == {"a", "b"}


def test_a_metric_that_another_training_has_or_that_is_nan_stops_nothing(trainer: HeldTrainings) -> None:
    trainer.metrics = {"a": {"loss": float("nan")}, "c": {"loss": 1.0}}
    trainer.failing.add("b")
    trainer.end(*NAMES)
    with training(trainer, 1, primary_metric="loss") as ended:
        ended.result(_PATIENCE)
    assert (trainer.is_stopping, set(trainer.results)) == (False, set(NAMES))


def test_further_interrupts_leave_no_training_that_nobody_stops(trainer: HeldTrainings) -> None:
    interrupts = [KeyboardInterrupt, KeyboardInterrupt]

    def stop(futures: Sequence["Future[None]"] = (), reason: str = "") -> None:
        if interrupts:
            raise interrupts.pop()
        trainer.is_stopping = True
        trainer.end(*NAMES)

    def interrupt(result: SweepChildResult, number: int, count: int) -> None:
        raise KeyboardInterrupt

    trainer.stop = stop  # type: ignore[method-assign]
    trainings = [
        (SweepMember(name, {}, {}, ProcessConfig(), make_nothing), cast(SagemakerConfig, None)) for name in NAMES
    ]
    trainer.may_complete["a"].set()
    trainer.may_end["a"].set()
    with pytest.raises(KeyboardInterrupt):
        SweepChildren(trainer, 2, False, interrupt).train_at_once(trainings)
    assert (interrupts, trainer.is_stopping) == ([], True)


def test_the_last_line_says_how_many_have_ended_below_what_is_told_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal = io.StringIO()

    def tell(result: SweepChildResult, number: int, count: int) -> None:
        terminal.write(f"{result.name}\n")

    both = tell_with_progress(tell, ProgressLine(terminal))
    for number, name in enumerate("ab", start=1):
        both(SweepChildResult(name, None, "FINISHED", None, {}, {}, None), number, 4)
    assert terminal.getvalue() == (
        "a\n"
        "\r\x1b[K[#####...............] 1 of 4 trainings\r"
        "\r\x1b[Kb\n"
        "\r\x1b[K[##########..........] 2 of 4 trainings\r"
    )
