"""A run that has failed since a part of its log was missing is completed when the rest is there."""

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg_mlflow.errors import LogMissingError, RunNotOursError
from tg_mlflow.takeover.attach import attach
from tg_mlflow.takeover.rest import record_rest
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.testing.memory_executor import Line, MemoryExecutor, Script
from tg_mlflow.tracking.search import is_complete
from tg_mlflow.training.job import Job

TAGS = {
    "tg.place": "memory",
    "tg.job_id": "job",
    "tg.state": "{}",
    "tg.missing_log": "1 of its 2 lines are here",
    "tg.failure_reason": "the log of job job is not whole: 1 of its 2 lines are here; its results are in the run",
}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> MemoryClient:
    monkeypatch.setattr("tg_mlflow.training.job_watch.log_result", lambda *_: {})
    return MemoryClient()


@pytest.fixture
def job(client: MemoryClient, executor: MemoryExecutor) -> Job:
    executor._machine._write_script = lambda request: Script([Line(0, "one"), Line(0, "###METRIC###loss:0.5###")], 0)
    job = start_job(client, executor, **TAGS)
    client.set_terminated(job.run_id, "FAILED")
    return job


def test_it_is_finished_and_nothing_says_any_more_that_it_had_failed(client: MemoryClient, job: Job) -> None:
    run = client.get_run(job.run_id)
    assert not is_complete(run)
    assert record_rest(client, find_job(run), show=lambda event: None)
    run = client.get_run(job.run_id)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 0.5})
    assert not {"tg.missing_log", "tg.failure_reason"} & set(run.data.tags)
    assert is_complete(run)


def test_it_stays_as_it_is_while_the_rest_is_not_there(
    client: MemoryClient, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryExecutor, "find_missing_log", lambda *_: "1 of its 3 lines are here")
    with pytest.raises(LogMissingError, match="1 of its 3 lines are here"):
        record_rest(client, find_job(client.get_run(job.run_id)), show=lambda event: None)
    run = client.get_run(job.run_id)
    assert (run.info.status, run.data.tags["tg.missing_log"]) == ("FAILED", "1 of its 3 lines are here")
    assert not is_complete(run)


@pytest.mark.parametrize("is_here", [True, False])
def test_a_log_whose_job_is_not_kept_stays_as_it_is(
    client: MemoryClient, executor: MemoryExecutor, job: Job, monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    monkeypatch.setattr("tg_mlflow.takeover.attach.keeps_jobs_here", lambda tags: is_here)
    executor.discard("job")
    with pytest.raises(RunNotOursError) as caught:
        attach(client, job.run_id)
    assert str(caught.value) == (
        f"the log of run {job.run_id} stays as it is, as its job is not kept any more: 1 of its 2 lines are here; its "
        "results are in the run"
    )
