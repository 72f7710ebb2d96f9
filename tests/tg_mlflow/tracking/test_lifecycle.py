"""How a run ends, whatever happens, and how long a server is waited for then."""

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tg.common import JobFailedError, JobStoppedError, JobUnreachableError
from tg_mlflow.errors import RecordingError, RunEndedError, TrackingError
from tg_mlflow.tracking.lifecycle import Ending, ending_run

AWAY = MlflowException("it is away")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> MemoryClient:
    return MemoryClient(patience_seconds=5, clock=clock)


def end(client: MemoryClient, run_id: str, error: BaseException | None = None, is_due: bool = True) -> Ending:
    with ending_run(client, run_id) as ending:
        ending.is_due = is_due
        if error is not None:
            raise error
    return ending


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (JobFailedError("exit code 1\nlast words"), "FAILED", "exit code 1"),
        (ValueError("no luck"), "FAILED", "ValueError: no luck"),
        (JobStoppedError("it was stopped"), "KILLED", None),
        (KeyboardInterrupt(), "KILLED", None),
        (RecordingError("not all is recorded"), "RUNNING", None),
        (JobUnreachableError("no network"), "RUNNING", None),
    ],
)
def test_a_run_ends_as_what_was_raised_says(
    client: MemoryClient, error: BaseException, status: str, reason: str | None
) -> None:
    run_id = client.create_run("7").info.run_id
    with pytest.raises(type(error)):
        end(client, run_id, error)
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags.get("tg.failure_reason")) == (status, reason)


def test_a_run_ends_well_unless_its_job_goes_on(client: MemoryClient) -> None:
    for is_due, status in ((True, "FINISHED"), (False, "RUNNING")):
        run_id = client.create_run("7").info.run_id
        end(client, run_id, is_due=is_due)
        assert client.get_run(run_id).info.status == status


def test_a_run_that_another_process_has_ended_is_not_ended_again(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    client.set_terminated(run_id, "KILLED")
    with pytest.raises(RunEndedError, match=r"another process has ended the run meanwhile \(exit code 1\)"):
        end(client, run_id, JobFailedError("exit code 1"))
    assert client.get_run(run_id).data.tags == {}


def test_a_server_that_is_away_at_the_end_is_waited_for(client: MemoryClient, clock: FakeClock) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults["set_terminated"] = [AWAY, AWAY]
    end(client, run_id)
    assert (client.get_run(run_id).info.status, clock.pauses) == ("FINISHED", [0.5, 1])


@pytest.mark.parametrize(("error", "pauses"), [(ValueError(), [0.5, 1, 2, 1.5]), (KeyboardInterrupt(), [])])
def test_a_server_that_stays_away_is_waited_for_once_and_after_an_interrupt_not_at_all(
    client: MemoryClient, clock: FakeClock, error: BaseException, pauses: list[float]
) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults = {request: [AWAY] * 100 for request in ("set_tag", "get_run", "set_terminated")}
    with pytest.raises(RecordingError, match=rf"did not take that run {run_id} is .*it is away.*attach {run_id}`"):
        end(client, run_id, error)
    assert clock.pauses == pauses


def test_an_end_whose_answer_is_lost_is_the_end(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    take, answers = client.set_terminated, [AWAY]

    def lose_answer(*given: str) -> None:
        take(*given)
        if answers:
            raise TrackingError(str(answers.pop()))

    client.set_terminated = lose_answer  # type: ignore[method-assign,assignment]
    with pytest.raises(JobStoppedError):
        end(client, run_id, JobStoppedError("it was stopped"))
    assert client.get_run(run_id).info.status == "KILLED"
