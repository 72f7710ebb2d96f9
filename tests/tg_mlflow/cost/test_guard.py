"""What a job costs is recorded while it runs, and a job that would pass the bound is stopped."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.cost.priced_place import BilledExecutor, PricedConfig, PricedPlace
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import ContainerError, JobFailedError, JobStoppedError, JobUnreachableError
from tg.common.delivery.sagemaker import JobFacts, JobStatus
from tg_mlflow.cost import guard as guard_module
from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.guard import CostGuard, guarding_cost
from tg_mlflow.cost.total import recording_total
from tg_mlflow.places.config import LogConfig
from tg_mlflow.tracking.events import read_events

# Two machines: a dollar a second, and 10 dollars until one has stopped.
DEAR = "1800"


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


class Time:
    """The time that the guard sees."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int((self.now + 1_000_000) * 1e9)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(guard_module, "time", time)
    return time


def make_costs(max_cost: float | None = None, spent: float = 0) -> Costs:
    return Costs(PricedPlace(DEAR, stop_seconds=10), PricedConfig(max_cost=max_cost), spent)


def make_guard(client: MemoryClient, executor: BilledExecutor, costs: Costs) -> tuple[CostGuard, str]:
    run_id = start_job(client, executor).run_id
    guard = CostGuard(client.without_patience(), run_id, executor, "job", costs, 0)
    guard.has_job = True
    return guard, run_id


def points_of(client: MemoryClient, run_id: str) -> list[float]:
    return [each.value for each in client.get_run(run_id).data._metric_objs if each.key == "tg.cost_usd"]


def test_a_job_costs_from_when_it_is_paid_for(client: MemoryClient, time: Time) -> None:
    executor = BilledExecutor()
    guard, run_id = make_guard(client, executor, make_costs())
    for seconds, billed in ((0, None), (5, 3.0), (10, 8.0), (15, 99.0), (20, 99.0), (70, 99.0)):
        time.now, executor.billed_seconds = 100.0 + seconds, billed
        guard.look()
    # It is asked again a minute after the job is paid for, and what it costs is recorded every ten seconds.
    assert points_of(client, run_id) == [8, 18, 99]
    executor.billed_seconds = 17
    guard.finish()
    guard.finish()
    time.now = 200
    guard.look()
    assert points_of(client, run_id) == [8, 18, 99, 17]
    steps = [each.step for each in client.get_run(run_id).data._metric_objs]
    assert steps == sorted(steps)


def test_a_job_is_stopped_so_that_it_has_ended_at_the_bound(client: MemoryClient, time: Time) -> None:
    executor = BilledExecutor(1)
    guard, run_id = make_guard(client, executor, make_costs(max_cost=30))
    guard.look()
    time.now += 18.9
    guard.look()
    assert executor.status("job").status is JobStatus.RUNNING
    time.now += 0.2
    guard.look()
    assert executor.status("job").status is JobStatus.STOPPED
    (stopping,) = (each for each in read_events(client.get_run(run_id)) if each.state == "stopping")
    assert (stopping.cause, guard.has_told) == ("the cost has reached max_cost, 30.00 USD", True)


def test_a_job_that_cannot_be_stopped_is_told_again(
    client: MemoryClient, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(BilledExecutor):
        refusals = 2

        def cancel(self, job_id: str) -> None:
            self.refusals -= 1
            if self.refusals >= 0:
                raise ContainerError("access is denied")
            super().cancel(job_id)

    executor = Refusing(50)
    guard, _ = make_guard(client, executor, make_costs(max_cost=30))
    client.faults["set_tag"] = [MlflowException("away")]
    for _ in range(3):
        guard.look()
    assert executor.status("job").status is JobStatus.STOPPED
    assert caplog.messages == [
        "Job job is stopped: the cost has reached max_cost, 30.00 USD",
        "Job job could not be stopped, and is told again and again: access is denied",
    ]


def test_while_the_place_does_not_answer_time_passes_as_it_does(client: MemoryClient, time: Time) -> None:
    class Away(BilledExecutor):
        def facts(self, job_id: str) -> JobFacts:
            if self.billed_seconds is None:
                raise ContainerError("it does not answer")
            return super().facts(job_id)

    executor = Away(5)
    guard, run_id = make_guard(client, executor, make_costs(max_cost=90))
    guard.look()
    executor.billed_seconds = None
    for seconds in (60, 61, 74, 76):
        time.now = 100.0 + seconds
        guard.look()
    assert points_of(client, run_id) == [5, 65, 79]
    assert executor.status("job").status is JobStatus.STOPPED


def test_what_cannot_be_found_out_fails_nothing(client: MemoryClient, time: Time) -> None:
    class Broken(BilledExecutor):
        def facts(self, job_id: str) -> JobFacts:
            raise KeyError("a field of another version")

    guard, run_id = make_guard(client, Broken(5), make_costs(max_cost=30))
    guard.look()
    guard.finish()
    other, _ = make_guard(client, BilledExecutor(5), make_costs(max_cost=30))
    client.faults["log_batch"] = [MlflowException("away")] * 5
    other.look()
    other.finish()
    assert points_of(client, run_id) == []


def test_an_end_does_not_wait_for_a_look_that_hangs(client: MemoryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    class Hanging(BilledExecutor):
        def facts(self, job_id: str) -> JobFacts:
            has_begun.set()
            may_end.wait(60)
            return JobFacts()

    monkeypatch.setattr(guard_module, "_PATIENCE_SECONDS", 0.01)
    guard, _ = make_guard(client, Hanging(), make_costs())
    thread = threading.Thread(target=guard.look)
    thread.start()
    assert has_begun.wait(10)
    guard.finish()
    may_end.set()
    thread.join()


@contextmanager
def guarded(client: MemoryClient, executor: BilledExecutor, costs: Costs) -> Iterator[tuple[CostGuard, str]]:
    run_id = start_job(client, executor).run_id
    with guarding_cost(client, run_id, executor, "job", costs) as guard:
        guard.has_job = True
        yield guard, run_id


def test_the_reason_takes_the_place_of_what_is_said_of_a_stopped_job(client: MemoryClient) -> None:
    def train(costs: Costs, error: Exception) -> None:
        with guarded(client, BilledExecutor(5), costs) as (guard, _):
            guard.look()
            raise error

    said = "^job job was stopped: the cost has reached max_cost, 15.00 USD$"
    with pytest.raises(JobStoppedError, match=said):
        train(make_costs(max_cost=15), JobStoppedError("job job has stopped: it was stopped"))
    with pytest.raises(JobFailedError, match=r"^its code is wrong$"):
        train(make_costs(max_cost=15), JobFailedError("its code is wrong"))
    with pytest.raises(JobStoppedError, match=r"^somebody has stopped it$"):
        train(make_costs(max_cost=100), JobStoppedError("somebody has stopped it"))
    with pytest.raises(ValueError, match=r"^of the training$"):
        train(make_costs(max_cost=15), ValueError("of the training"))


@pytest.mark.parametrize(("billed", "kind"), [(14, JobFailedError), (29.5, JobStoppedError)])
def test_a_job_that_its_place_has_ended_at_the_bound_was_stopped_for_it(
    client: MemoryClient, billed: float, kind: type[Exception]
) -> None:
    """As when the launcher has been gone: AWS says that the time to run is over."""

    def attach() -> None:
        with guarded(client, BilledExecutor(billed), make_costs(max_cost=30)):
            raise JobFailedError("job job has failed: its time to run is over")

    with pytest.raises(JobFailedError) as caught:
        attach()
    assert type(caught.value) is kind
    assert str(caught.value).endswith("its time to run is over" if kind is JobFailedError else "is over)")


def test_a_job_that_goes_on_is_counted_by_who_follows_it(client: MemoryClient) -> None:
    costs, run_ids = make_costs(), list[str]()

    def lose() -> None:
        with guarded(client, BilledExecutor(5), costs) as (_, run_id):
            run_ids.append(run_id)
            raise JobUnreachableError("AWS is away")

    with pytest.raises(JobUnreachableError):
        lose()
    assert (points_of(client, run_ids[0]), costs.budget.usd) == ([], 0)


def test_nothing_is_counted_where_that_is_not_wanted(client: MemoryClient) -> None:
    costs = Costs(PricedPlace(DEAR), PricedConfig(log=LogConfig(cost=False)))
    with guarded(client, BilledExecutor(5), costs) as (guard, run_id):
        guard.finish()
        assert [each.name for each in threading.enumerate() if each.name == "tg-cost"] == []
    assert points_of(client, run_id) == []


def test_a_sweep_has_the_sum(client: MemoryClient) -> None:
    costs, run_id = make_costs(spent=2), client.create_run("7").info.run_id
    with recording_total(client, client.get_run(run_id), costs):
        costs.budget.note("a", 1.5)
        costs.budget.note("b", 0.25)
    assert points_of(client, run_id) == [3.75]
