"""What becomes of a job, and of what is kept of it, when its recording is given up."""

from contextlib import ExitStack

import pytest

from tests.job_output import open_recorder
from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor, start_job
from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker.executor import JobState, JobStatus
from tg_mlflow.errors import RecordingError
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, Script
from tg_mlflow.tracking.events import read_events
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_guard import JobGuard


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def is_there(job: Job) -> bool:
    try:
        job.executor.status(job.job_id)
    except DeliveryError:
        return False
    return True


def give_up(client: MemoryClient, job: Job, error: BaseException) -> tuple[bool, bool]:
    """Raises an error while a job is guarded; returns whether the job was there when the run had to end, and after."""
    seen = []

    def guard() -> None:
        with ExitStack() as afterwards:
            try:
                with (
                    open_recorder(client, job.run_id) as recorder,
                    JobGuard(client, job, recorder, afterwards).watching(),
                ):
                    raise error
            finally:
                seen.append(is_there(job))

    with pytest.raises(type(error)):
        guard()
    return seen[0], is_there(job)


def test_a_job_whose_recording_is_given_up_is_stopped_and_removed_when_the_run_has_ended(client: MemoryClient) -> None:
    executor = make_executor([Line(0, "###METRIC###loss:0.5###step:3;time:12###")])
    job = start_job(client, executor)
    states = []
    stop = executor.cancel

    def cancel(job_id: str) -> None:
        stop(job_id)
        states.append(executor.status(job_id).status)

    executor.cancel = cancel  # type: ignore[method-assign]
    assert give_up(client, job, ZeroDivisionError()) == (True, False)
    assert states == [JobStatus.STOPPED]
    assert client.get_run(job.run_id).data.metrics == {"loss": 0.5}  # what it has said meanwhile is recorded


def test_results_of_a_job_that_had_completed_when_it_was_interrupted_are_kept(client: MemoryClient) -> None:
    job = start_job(client, make_executor(seconds=0))
    assert give_up(client, job, KeyboardInterrupt()) == (True, True)
    assert (
        client.get_run(job.run_id)
        .data.tags["tg.not_uploaded"]
        .startswith("the results are not uploaded (it was interrupted); they are kept: run `tg-mlflow attach ")
    )


def test_a_job_that_an_interrupt_stops_is_removed(client: MemoryClient) -> None:
    job = start_job(client, make_executor())
    assert give_up(client, job, KeyboardInterrupt()) == (True, False)
    assert "tg.not_uploaded" not in client.get_run(job.run_id).data.tags


def test_a_job_whose_results_the_server_did_not_take_is_kept(client: MemoryClient) -> None:
    job = start_job(client, make_executor(seconds=0))
    assert give_up(client, job, RecordingError("the server is away")) == (True, True)


def test_a_job_that_cannot_be_followed_goes_on(client: MemoryClient, caplog: pytest.LogCaptureFixture) -> None:
    job = start_job(client, make_executor())
    assert give_up(client, job, JobUnreachableError("no network")) == (True, True)
    assert job.status is JobStatus.RUNNING
    assert f"run `tg-mlflow attach {job.run_id}`" in caplog.text


@pytest.mark.parametrize("error", [JobUnreachableError("no network"), OSError(5, "no network")])
def test_a_job_that_cannot_be_reached_to_stop_it_is_told_of(client: MemoryClient, error: Exception) -> None:
    class Unreachable(MemoryExecutor):
        def status(self, job_id: str) -> JobState:
            raise error

    job = start_job(client, Unreachable(Machine(lambda request: Script())))
    message = rf"job job may go on.*no network.*run `tg-mlflow cancel {job.run_id}`"
    with (
        pytest.raises(JobUnreachableError, match=message),
        open_recorder(client, job.run_id) as recorder,
        JobGuard(client, job, recorder, ExitStack()).watching(),
    ):
        raise ZeroDivisionError


def test_the_timeline_says_that_a_job_is_stopped_and_why(client: MemoryClient) -> None:
    job = start_job(client, make_executor())
    give_up(client, job, KeyboardInterrupt("SIGTERM"))
    run = client.get_run(job.run_id)
    ((_, state, cause),) = [event for event in read_events(run) if event.state == "stopping"]
    assert (state, cause.partition(", ")[0]) == ("stopping", "SIGTERM of its launcher")
    ended = start_job(client, make_executor(seconds=0), "another")
    give_up(client, ended, KeyboardInterrupt())
    assert [event.state for event in read_events(client.get_run(ended.run_id))] == ["created"]
