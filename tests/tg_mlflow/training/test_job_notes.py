"""What a run says of its job, and that a tracking server that is away costs the training no time."""

import pytest
from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import DeliveryError
from tg.common.delivery.sagemaker.executor import JobFacts, JobState, JobStatus, Traits
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, Script
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_notes import note_exit, note_facts, note_log, note_not_uploaded, note_waiting, set_status

AWAY = MlflowException("it is away")


class KnownExecutor(MemoryExecutor):
    """Knows what a job costs, and lets it wait for a machine."""

    is_queued = False

    def facts(self, job_id: str) -> JobFacts:
        return JobFacts({"instance_type": "ml.m5.large"}, {"billable_seconds": 60})

    def status(self, job_id: str) -> JobState:
        return JobState(JobStatus.QUEUED) if self.is_queued else super().status(job_id)


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def make_job(client: MemoryClient, may_queue: bool = False) -> Job:
    machine = Machine(lambda request: Script([Line(1, "one")], seconds=2))
    return start_job(client, KnownExecutor(machine, traits=Traits(may_queue=may_queue, starts_at_once=True)))


def test_facts_are_tags_at_once_and_metrics_at_the_end(client: MemoryClient) -> None:
    job = make_job(client)
    note_facts(client, job)
    run = client.get_run(job.run_id)
    assert (run.data.tags, run.data.metrics) == ({"tg.instance_type": "ml.m5.large"}, {})
    list(job.logs())
    note_facts(client, job)
    assert client.get_run(job.run_id).data.metrics == {"tg.billable_seconds": 60}
    note_facts(client, job)  # as a process that takes over does
    assert client.requests.count("log_batch") == 1


def test_facts_that_the_server_does_not_take_are_let_go_of(
    client: MemoryClient, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(client)
    client.faults["set_tag"] = [AWAY]
    note_facts(client, job)
    assert client.requests.count("set_tag") == 1
    assert caplog.messages == ["The tracking server does not take what is known of job job: it is away"]


def test_facts_of_a_job_that_is_gone_are_let_go_of(client: MemoryClient, caplog: pytest.LogCaptureFixture) -> None:
    class Forgetful(MemoryExecutor):
        def facts(self, job_id: str) -> JobFacts:
            raise DeliveryError("there is no job 'job'")

    note_facts(client, Job("run", Forgetful(Machine(lambda request: Script())), "job"))
    assert caplog.messages == ["Nothing can be said of job job: there is no job 'job'"]


@pytest.mark.parametrize(
    ("may_queue", "is_queued", "status"),
    [(True, True, "SCHEDULED"), (True, False, "RUNNING"), (False, True, "RUNNING")],
)
def test_a_run_is_scheduled_while_its_job_waits(
    client: MemoryClient, may_queue: bool, is_queued: bool, status: str
) -> None:
    job = make_job(client, may_queue)
    job.executor.is_queued = is_queued  # type: ignore[attr-defined]
    assert note_waiting(client, job) is (status == "SCHEDULED")
    assert client.get_run(job.run_id).info.status == status


def test_a_run_that_is_scheduled_is_not_told_so_again(client: MemoryClient) -> None:
    job = make_job(client, may_queue=True)
    job.executor.is_queued = True  # type: ignore[attr-defined]
    assert note_waiting(client, job, is_scheduled=True)
    assert "update_run" not in client.requests


def test_a_run_that_has_waited_for_its_image_is_running_where_nothing_queues(client: MemoryClient) -> None:
    job = make_job(client)
    set_status(client, job.run_id, RunStatus.SCHEDULED)
    assert not note_waiting(client, job, is_scheduled=True)
    assert client.get_run(job.run_id).info.status == "RUNNING"


def test_a_status_that_the_server_does_not_take(client: MemoryClient, caplog: pytest.LogCaptureFixture) -> None:
    job = make_job(client)
    client.faults["update_run"] = [AWAY]
    assert not set_status(client, job.run_id, RunStatus.SCHEDULED)
    assert caplog.messages == [f"The tracking server does not take that run {job.run_id} is SCHEDULED: it is away"]


def test_results_that_are_not_uploaded_are_told_in_the_run(client: MemoryClient) -> None:
    job = make_job(client)
    note_not_uploaded(client, job.run_id, "no room")
    assert client.get_run(job.run_id).data.tags == {
        "tg.not_uploaded": "the results are not uploaded (no room); they are kept: run "
        f"`tg-mlflow attach {job.run_id}` to try again"
    }


def test_a_log_that_is_not_in_its_run_is_noted_and_needs_its_job(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    assert note_log(client, run_id, None) is False
    assert client.get_run(run_id).data.tags == {}
    assert note_log(client, run_id, "the log could not be sent (no room)") is True
    assert client.get_run(run_id).data.tags == {
        "tg.not_uploaded": "the results are not uploaded (logs/train.log: the log could not be sent (no room)); they "
        f"are kept: run `tg-mlflow attach {run_id}` to try again"
    }


@pytest.mark.parametrize(
    ("exit_code", "tags"),
    [
        (0, {"tg.exit_code": "0"}),
        (3, {"tg.exit_code": "3"}),
        (137, {"tg.exit_code": "137", "tg.signal": "SIGKILL"}),
        (-9, {"tg.exit_code": "137", "tg.signal": "SIGKILL"}),
        (143, {"tg.exit_code": "143", "tg.signal": "SIGTERM"}),
        (255, {"tg.exit_code": "255"}),
        (None, {}),
    ],
)
def test_a_run_says_how_the_process_of_its_job_has_ended(
    client: MemoryClient, exit_code: int | None, tags: dict[str, str]
) -> None:
    run_id = client.create_run("7").info.run_id
    note_exit(client, run_id, JobState(JobStatus.FAILED, exit_code))
    assert client.get_run(run_id).data.tags == tags


def test_an_exit_is_noted_when_the_server_is_back(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults["log_batch"] = [AWAY]
    note_exit(client, run_id, JobState(JobStatus.FAILED, 3))
    assert client.get_run(run_id).data.tags == {"tg.exit_code": "3"}


def test_an_exit_that_the_server_does_not_take_is_said_to_be_missing(
    client: MemoryClient, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults["log_batch"] = [AWAY]
    note_exit(client.without_patience(), run_id, JobState(JobStatus.FAILED, -9))
    assert caplog.messages == ["The run cannot be told that its job has ended with exit code 137: it is away"]
    assert client.get_run(run_id).data.tags == {"tg.missing": "tg.exit_code, tg.signal"}
