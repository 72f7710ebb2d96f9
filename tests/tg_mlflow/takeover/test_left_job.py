"""What is left of a training whose launcher is gone."""

import math

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor, start_job
from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker.executor import JobState
from tg.common.errors import JobMissingError
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, Script

TAGS = {"tg.place": "tg-process", "tg.job_id": "job", "tg.state": "{}"}


def test_a_job_that_goes_on_or_has_ended_is_found() -> None:
    for seconds in (math.inf, 0):
        client = MemoryClient()
        executor = make_executor(seconds=seconds)
        job = start_job(client, executor, **TAGS)
        found = find_left_job(client, client.get_run(job.run_id), is_here=True, executor=executor)
        assert found is not None
        assert (found.run_id, found.job_id, found.executor) == (job.run_id, "job", executor)
        assert client.get_run(job.run_id).info.status == "RUNNING"


def test_a_run_whose_job_was_never_started_is_killed() -> None:
    for tags in (TAGS, {}):
        client = MemoryClient()
        run = client.create_run("7", tags=tags)
        assert find_left_job(client, run, is_here=True, executor=make_executor()) is None
        assert client.get_run(run.info.run_id).info.status == "KILLED"


def test_a_job_that_may_be_on_another_machine_is_left_alone() -> None:
    client = MemoryClient()
    run = client.create_run("7", tags=TAGS)
    with pytest.raises(RunNotOursError, match=r"is not on this machine: there is no job 'job' in memory.*cancel it"):
        find_left_job(client, run, is_here=False, executor=make_executor())
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


def test_a_job_that_cannot_be_reached_is_found() -> None:
    class Unreachable(MemoryExecutor):
        def status(self, job_id: str) -> JobState:
            raise JobUnreachableError("no network")

    client = MemoryClient()
    run = client.create_run("7", tags=TAGS)
    found = find_left_job(client, run, is_here=True, executor=Unreachable(Machine(lambda request: Script())))
    assert found is not None
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


def test_whoever_does_not_say_whether_there_is_a_job_is_no_proof_that_there_is_none() -> None:
    class Broken(MemoryExecutor):
        def status(self, job_id: str) -> JobState:
            raise DeliveryError("access denied") from PermissionError()

    client = MemoryClient()
    run = client.create_run("7", tags=TAGS)
    with pytest.raises(DeliveryError, match="access denied"):
        find_left_job(client, run, is_here=True, executor=Broken(Machine(lambda request: Script())))
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


def test_nothing_more_is_recorded_in_a_run_that_is_complete_and_its_job_is_cleared_away() -> None:
    client, executor = MemoryClient(), make_executor(seconds=0)
    job = start_job(client, executor, **TAGS)
    client.set_terminated(job.run_id, "FINISHED")
    client.set_tag(job.run_id, "tg.not_uploaded", "no room")
    assert find_left_job(client, client.get_run(job.run_id), is_here=True, executor=executor) is not None
    client.delete_tag(job.run_id, "tg.not_uploaded")
    assert find_left_job(client, client.get_run(job.run_id), is_here=True, executor=executor) is None
    with pytest.raises(JobMissingError):
        executor.status(job.job_id)
    assert client.get_run(job.run_id).info.status == "FINISHED"
