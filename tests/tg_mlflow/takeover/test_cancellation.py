"""Stopping what belongs to a run."""

import math

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import DeliveryError
from tg_mlflow.errors import RecordingError, RunNotOursError
from tg_mlflow.takeover import cancellation
from tg_mlflow.takeover.cancellation import cancel, wait_for_launcher
from tg_mlflow.testing.memory_executor import Line, MemoryExecutor, Script
from tg_mlflow.tracking.launcher import Launcher

TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.state": "{}"}


def test_a_job_that_nobody_records_is_stopped_and_its_run_killed(executor: MemoryExecutor) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **TAGS)
    cancel(client, job.run_id)
    assert client.get_run(job.run_id).info.status == "KILLED"
    with pytest.raises(DeliveryError, match="there is no job 'job'"):
        executor.status("job")


def test_what_a_job_has_said_since_its_launcher_died_is_recorded_before_it_is_removed(
    executor: MemoryExecutor,
) -> None:
    client = MemoryClient()
    said = [Line(0, f"###METRIC###loss:{step / 2}###step:{step};time:12###") for step in range(20)]
    executor._machine._write_script = lambda request: Script(said, math.inf)
    job = start_job(client, executor, **TAGS)
    cancel(client, job.run_id)
    run = client.get_run(job.run_id)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"loss": 9.5})
    assert client.requests.count("log_batch") >= 1
    with pytest.raises(DeliveryError, match="there is no job 'job'"):
        executor.status("job")


def test_a_server_that_is_away_is_waited_for_before_the_job_is_removed(executor: MemoryExecutor) -> None:
    clock = FakeClock()
    client = MemoryClient(patience_seconds=0, clock=clock)  # as commands read
    executor._machine._write_script = lambda request: Script([Line(0, "###METRIC###loss:0.5###")], math.inf)
    job = start_job(client, executor, **TAGS)
    away = MlflowException("it is away")
    client.faults = {"log_batch": [away, away], "set_terminated": []}
    cancel(client, job.run_id)
    run = client.get_run(job.run_id)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"loss": 0.5})
    assert clock.pauses == [0.5, 1]


def test_a_job_whose_metrics_the_server_never_takes_is_kept_and_its_run_stays_open(executor: MemoryExecutor) -> None:
    client = MemoryClient(patience_seconds=0, clock=FakeClock())
    executor._machine._write_script = lambda request: Script([Line(0, "###METRIC###loss:0.5###")], math.inf)
    job = start_job(client, executor, **TAGS)
    client.faults = {"log_batch": [MlflowException("it is away")] * 1000}
    with pytest.raises(RecordingError, match=f"run `tg-mlflow attach {job.run_id}`"):
        cancel(client, job.run_id)
    assert client.get_run(job.run_id).info.status == "RUNNING"
    client.faults = {}
    cancel(client, job.run_id)
    run = client.get_run(job.run_id)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"loss": 0.5})


def test_a_run_that_has_ended_is_left_as_it_is(executor: MemoryExecutor, caplog: pytest.LogCaptureFixture) -> None:
    client = MemoryClient()
    job = start_job(client, executor, **TAGS)
    client.set_terminated(job.run_id, "FINISHED")
    with caplog.at_level("INFO", "mlflow.tg_mlflow"):
        cancel(client, job.run_id)
    assert caplog.messages == [f"Run {job.run_id} has ended before: FINISHED"]
    assert executor.status("job").status.is_final is False


def test_a_run_that_is_not_ours_is_refused() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    with pytest.raises(RunNotOursError, match="has no job"):
        cancel(client, run_id)
    with pytest.raises(RunNotOursError, match=r"there is no run 'f0', and no job in "):
        cancel(client, "f0")


def test_a_launcher_is_waited_for_until_it_has_ended_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    client, launcher = MemoryClient(), Launcher(4711, 2)
    run_id = client.create_run("7").info.run_id
    sights = iter([launcher, launcher, None])
    monkeypatch.setattr("tg_mlflow.tracking.launcher.find_launcher", lambda client, run: next(sights))
    monkeypatch.setattr(cancellation, "_LOOK_SECONDS", 0)
    assert wait_for_launcher(client, run_id, launcher).info.status == "RUNNING"  # it has died
    assert client.requests.count("get_run") == 4  # once more after it was gone
    client.set_terminated(run_id, "KILLED")
    sights = iter([launcher])
    assert wait_for_launcher(client, run_id, launcher).info.status == "KILLED"
