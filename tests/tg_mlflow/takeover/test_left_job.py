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

TAGS = {"tg.place": "tg-process", "tg.job_id": "job"}


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


<<<<<<< HEAD
def test_a_job_that_may_be_on_another_machine_is_left_alone() -> None:
=======
class HostPlace(Place):
    config_model = HostConfig
    options_model = HostOptions

    def __init__(self) -> None:
        self.machines = {host: Machine(lambda request: Script(seconds=math.inf)) for host in ("old", "new")}

    def build_options(self, config: HostConfig, folder: Path) -> HostOptions:
        return HostOptions()

    def open(self, options: HostOptions, is_shared: bool = False) -> Executor:
        traits = Traits(is_found_anywhere=True, starts_at_once=True)
        return MemoryExecutor(self.machines[options.host.rpartition("@")[2]], options, traits)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HostPlace:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path))
    place = HostPlace()
    monkeypatch.setattr(run_job, "list_places", lambda: {"tg-host": place})
    return place


def start(executor: Executor) -> None:
    executor.submit(JobRequest("job", cast(SagemakerConfig, None)))


def create_run(client: MemoryClient, place: HostPlace, host: str) -> str:
    tags = {"tg.place": "tg-host", "tg.job_id": "job", **place.write_tags(HostOptions(host=host))}
    return str(client.create_run("0", tags=tags).info.run_id)


def test_a_job_is_found_where_it_was_started(place: HostPlace) -> None:
>>>>>>> break1
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
