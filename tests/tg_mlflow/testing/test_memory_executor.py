"""Time passes for jobs in memory only when somebody waits."""

import math
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobRequest, JobState, JobStatus
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, MemoryOptions, Script

SCRIPT = Script([Line(1, "one"), Line(5, "five"), Line(90, "ninety")], seconds=100)


def submit(executor: MemoryExecutor, job_id: str = "job") -> None:
    executor.submit(JobRequest(job_id, cast(SagemakerConfig, None)))


def make_executor(script: Script, **options: Any) -> tuple[Machine, MemoryExecutor]:
    machine = Machine(lambda request: script)
    return machine, MemoryExecutor(machine, MemoryOptions(**options))


def test_time_passes_when_a_log_is_followed() -> None:
    machine, executor = make_executor(SCRIPT)
    submit(executor)
    assert list(executor.logs("job", follow=False)) == []
    log = executor.logs("job")
    assert [(next(log).data, machine.now) for _ in range(3)] == [(b"one\n", 1), (b"five\n", 5), (b"ninety\n", 90)]
    assert executor.status("job") == JobState(JobStatus.RUNNING)
    assert list(log) == []
    assert machine.now == 100
    assert executor.status("job") == JobState(JobStatus.COMPLETED, 0)


def test_a_job_that_is_stopped_says_no_more() -> None:
    machine, executor = make_executor(SCRIPT)
    submit(executor)
    log = executor.logs("job")
    assert next(log).data == b"one\n"
    executor.kill("job")
    assert list(log) == []
    assert machine.now == 1
    assert executor.status("job") == JobState(JobStatus.STOPPED, None, "it was stopped")


@pytest.mark.parametrize(("stop_seconds", "expected"), [(0, 0), (7, 7), (math.inf, 30)])
def test_a_job_has_its_grace_period(stop_seconds: float, expected: float) -> None:
    machine, executor = make_executor(Script(seconds=math.inf, stop_seconds=stop_seconds), stop_grace_seconds=30)
    submit(executor)
    executor.cancel("job")
    assert machine.now == expected
    assert executor.status("job").status is JobStatus.STOPPED


def test_a_job_that_ends_while_it_is_asked_to_stop_has_completed() -> None:
    machine, executor = make_executor(Script(seconds=10, stop_seconds=20))
    submit(executor)
    executor.cancel("job")
    assert machine.now == 10
    assert executor.status("job") == JobState(JobStatus.COMPLETED, 0)


def test_an_endless_job_is_followed_until_somebody_stops_it() -> None:
    machine, executor = make_executor(Script([Line(2, "two")], seconds=math.inf))
    submit(executor)
    seen = threading.Event()
    lines: list[bytes] = []

    def follow() -> None:
        for event in executor.logs("job"):
            lines.append(event.data)
            seen.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert seen.wait(10)
    executor.cancel("job")
    follower.join(10)
    assert not follower.is_alive()
    assert (lines, machine.now) == ([b"two\n"], 2)


def test_what_it_has_made_is_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    _, executor = make_executor(Script(files={"text": b"a result"}))
    submit(executor)
    with executor.load_result("job") as archive:
        assert archive.list() == ["text", "completed.json"]
        assert archive.get_path("text").read_text() == "a result"
    executor.discard("job")
    assert list(tmp_path.iterdir()) == []
