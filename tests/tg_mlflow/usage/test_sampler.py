"""The usage of a job comes into its run, each point once, and a training never notices."""

import math
import threading
from collections.abc import Sequence
from contextlib import suppress

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import ContainerError, JobUnreachableError
from tg.common.delivery.sagemaker import Traits, Usage
from tg_mlflow.errors import RecordingError
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, Script
from tg_mlflow.usage.points import UsagePoints
from tg_mlflow.usage.sampler import UsageSampler, sampling_usage

CPU = "cpu_utilization_percentage"
MEMORY = "system_memory_usage_percentage"
BATCH = "log_batch"


class Metered(MemoryExecutor):
    """Has jobs whose readings are given; each call takes as many as are there."""

    def __init__(self, *readings: Sequence[Usage] | Exception, traits: Traits | None = None) -> None:
        super().__init__(Machine(lambda request: Script(seconds=math.inf)), traits=traits)
        self.readings = list(readings)
        self.since: list[int] = []

    def usage(self, job_id: str, since_ms: int = 0) -> Sequence[Usage]:
        self.since.append(since_ms)
        found = self.readings.pop(0) if self.readings else ()
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def sampler_of(client: MemoryClient, executor: Metered, run_id: str | None = None) -> tuple[UsageSampler, str]:
    run_id = run_id or start_job(client, executor).run_id
    return UsageSampler(client, run_id, executor, "job"), run_id


def points_of(client: MemoryClient, run_id: str) -> list[tuple[str, float, int, int]]:
    recorded: list[Metric] = client.get_run(run_id).data._metric_objs
    return [(each.key, each.value, each.timestamp, each.step) for each in recorded if each.key.startswith("system/")]


@pytest.fixture
def histories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the server in memory tell its histories."""

    def get(self: MemoryClient, run_id: str, key: str) -> list[Metric]:
        return [each for each in self.get_run(run_id).data._metric_objs if each.key == key]

    monkeypatch.setattr(MemoryClient, "get_metric_history", get)


def test_each_metric_has_its_steps(client: MemoryClient) -> None:
    executor = Metered([Usage(1_000, {MEMORY: 5})], [Usage(11_000, {CPU: 50, MEMORY: 6})], [])
    sampler, run_id = sampler_of(client, executor)
    for _ in range(3):
        sampler.sample()
    assert points_of(client, run_id) == [
        (f"system/{MEMORY}", 5, 1_000, 0),
        (f"system/{CPU}", 50, 11_000, 0),
        (f"system/{MEMORY}", 6, 11_000, 1),
    ]
    assert executor.since == [0, 1_000, 11_000]
    assert client.requests.count(BATCH) == 2


@pytest.mark.usefixtures("histories")
def test_another_process_goes_on_where_one_has_stopped(client: MemoryClient) -> None:
    minutes = [Usage(60_000 * number, {CPU: 10.0 * number}) for number in range(1, 6)]
    first, run_id = sampler_of(client, Metered(minutes[:2], minutes[1:3]))
    first.sample()
    first.sample()
    client.faults["get_run"] = [None, MlflowException("away")]  # while it begins, the server goes away
    # It reads again what is recorded, as CloudWatch tells it, and a point that is late.
    late = Usage(180_000, {MEMORY: 7, CPU: 30})
    second, _ = sampler_of(client, Metered([minutes[2], *minutes[3:]], [late, minutes[4]]), run_id)
    second.sample()
    second.finish()
    key = f"system/{CPU}"
    assert [each[1:] for each in points_of(client, run_id) if each[0] == key] == [
        (10, 60_000, 0),
        (20, 120_000, 1),
        (30, 180_000, 2),
        (40, 240_000, 3),
        (50, 300_000, 4),
    ]
    assert [each for each in points_of(client, run_id) if each[0] != key] == [(f"system/{MEMORY}", 7, 180_000, 0)]
    metrics = client.get_run(run_id).data.metrics
    assert (metrics["tg.mean_cpu_percentage"], metrics["tg.peak_memory_percentage"]) == (30, 7)


def test_points_wait_for_a_server_that_is_away(client: MemoryClient) -> None:
    executor = Metered([Usage(1, {CPU: 1})], [Usage(2, {CPU: 2})])
    sampler, run_id = sampler_of(client, executor)
    client.faults[BATCH] = [MlflowException("away")]
    sampler._client = client.without_patience()
    sampler.sample()
    assert points_of(client, run_id) == []
    sampler.sample()
    assert points_of(client, run_id) == [(f"system/{CPU}", 1, 1, 0), (f"system/{CPU}", 2, 2, 1)]


def test_the_last_reading_and_what_all_add_up_to_are_written_together(client: MemoryClient) -> None:
    executor = Metered([Usage(1, {MEMORY: 7})])
    run_id = start_job(client, executor).run_id
    UsageSampler(client, run_id, executor, "job", UsagePoints()).finish()
    assert client.requests == ["create_run", BATCH]
    assert client.get_run(run_id).data.metrics == {f"system/{MEMORY}": 7, "tg.peak_memory_percentage": 7}


def test_many_points_are_written_in_several_requests(client: MemoryClient) -> None:
    executor = Metered([Usage(number, {CPU: 1}) for number in range(2_500)])
    sampler, run_id = sampler_of(client, executor)
    sampler.sample()
    assert (len(points_of(client, run_id)), client.requests.count(BATCH)) == (2_500, 3)


@pytest.mark.parametrize(
    "error", [ContainerError("no daemon"), OSError("no disk"), KeyError("a field of another version")]
)
def test_what_cannot_be_read_fails_nothing(client: MemoryClient, error: Exception) -> None:
    sampler, run_id = sampler_of(client, Metered(error, [Usage(1, {CPU: 1})]))
    sampler.sample()
    sampler.finish()
    assert points_of(client, run_id) == [(f"system/{CPU}", 1, 1, 0)]
    client.faults["set_tag"] = client.faults[BATCH] = [MlflowException("gone")] * 9
    executor = Metered([Usage(1, {MEMORY: 99})])
    UsageSampler(client.without_patience(), run_id, executor, "job").finish()


def test_advice_is_a_tag(client: MemoryClient, caplog: pytest.LogCaptureFixture) -> None:
    sampler, run_id = sampler_of(client, Metered([Usage(1, {MEMORY: 97})]))
    with caplog.at_level("INFO"):
        sampler.finish()
    advice = "memory was nearly full, 97 % at most: give the training more, or it may be killed"
    assert client.get_run(run_id).data.tags["tg.advice"] == advice
    assert caplog.messages == [f"Advice for job job: {advice}"]


def test_a_place_that_cannot_tell_adds_nothing(client: MemoryClient) -> None:
    executor = MemoryExecutor(Machine(lambda request: Script(seconds=math.inf)))
    run_id = start_job(client, executor).run_id
    UsageSampler(client, run_id, executor, "job").finish()
    assert client.get_run(run_id).data.metrics == {}
    assert BATCH not in client.requests


@pytest.fixture
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING")


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize(
    ("error", "is_added_up"),
    [
        (JobUnreachableError("away"), False),
        (RecordingError("away"), False),
        (KeyboardInterrupt(), False),
        (ValueError("failed"), True),
        (None, True),
    ],
)
def test_a_job_that_goes_on_is_added_up_by_who_follows_it(
    client: MemoryClient, error: BaseException | None, is_added_up: bool
) -> None:
    executor = Metered([Usage(1, {MEMORY: 20})])
    run_id = start_job(client, executor).run_id
    ends = (JobUnreachableError, RecordingError, ValueError, KeyboardInterrupt)
    with suppress(*ends), sampling_usage(client, run_id, executor, "job", 60):
        if error is not None:
            raise error
    assert ("tg.peak_memory_percentage" in client.get_run(run_id).data.metrics) is is_added_up
    assert f"system/{MEMORY}" in client.get_run(run_id).data.metrics


@pytest.mark.parametrize(
    ("variable", "seconds", "reads"), [("false", 5.0, 0), (None, 0.0, 0), (None, 5.0, 1), ("true", 5.0, 1)]
)
def test_it_can_be_switched_off(
    client: MemoryClient, variable: str | None, seconds: float, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"
    if variable is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, variable)
    executor = Metered()
    run_id = start_job(client, executor).run_id
    with sampling_usage(client, run_id, executor, "job", seconds):
        pass
    assert len(executor.since) == reads


def test_where_mlflow_takes_the_same_points_we_take_none(client: MemoryClient) -> None:
    executor = Metered([Usage(1, {CPU: 1})], traits=Traits(is_in_process=True))
    sampler, run_id = sampler_of(client, executor)
    ended = threading.Event()
    monitor = threading.Thread(target=ended.wait, name="SystemMetricsMonitor")
    monitor.start()
    sampler.sample()
    ended.set()
    monitor.join()
    assert points_of(client, run_id) == []
    sampler.sample()
    assert points_of(client, run_id) == [(f"system/{CPU}", 1, 1, 0)]
