"""A KILLED run says who or what has stopped it, and when; who says so first counts."""

import os
import re
import threading

import pytest
from mlflow.exceptions import MlflowException

from tests.memory_server import MemoryClient
from tg.common import JobStoppedError
from tg_mlflow.tracking.lifecycle import ending_run, kill_run
from tg_mlflow.tracking.stop_reasons import describe_cancel, describe_stop, note_stop_reason, write_stop_reason

MOMENT = r", \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=0)


def end(client: MemoryClient, run_id: str, error: BaseException) -> str | None:
    with pytest.raises(type(error)), ending_run(client, run_id):
        raise error
    run = client.get_run(run_id)
    reason: str | None = run.data.tags.get("tg.stop_reason")
    return reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), r"Ctrl-C of its launcher, process PID of \S+ on \S+"),
        (KeyboardInterrupt("SIGINT"), r"SIGINT, as by Ctrl-C, of its launcher, process PID of \S+ on \S+"),
        (KeyboardInterrupt("SIGTERM"), r"SIGTERM of its launcher, process PID of \S+ on \S+"),
        (JobStoppedError("job j has stopped: it was stopped\n  | last words"), "job j has stopped: it was stopped"),
    ],
)
def test_a_killed_run_says_who_has_stopped_it_and_when(client: MemoryClient, error: BaseException, reason: str) -> None:
    run_id = client.create_run("7").info.run_id
    assert re.fullmatch(reason.replace("PID", str(os.getpid())) + MOMENT, end(client, run_id, error) or "")


def test_a_run_that_is_interrupted_before_it_is_trained_says_so_too(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    kill_run(client, run_id, KeyboardInterrupt("SIGTERM"))
    assert client.get_run(run_id).data.tags["tg.stop_reason"].startswith("SIGTERM of its launcher, process ")


def test_who_has_cancelled_it_counts_and_not_the_signal_that_this_sends(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    other = MemoryClient()  # the command's, which knows nothing of this process
    other._runs = client._runs
    write_stop_reason(other, run_id, describe_cancel())
    assert re.fullmatch(r"cancelled by \S+ on \S+" + MOMENT, end(client, run_id, KeyboardInterrupt("SIGINT")) or "")


def test_why_this_process_has_stopped_the_job_counts_more_than_that_it_was_stopped(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    note_stop_reason(client, run_id, "its sweep was stopped")
    note_stop_reason(client, run_id, "an afterthought")
    assert client.requests == ["create_run"]
    stopped = JobStoppedError("job j has stopped: it was stopped")
    assert re.fullmatch("its sweep was stopped" + MOMENT, end(client, run_id, stopped) or "")


def test_runs_that_are_not_killed_say_nothing(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    assert end(client, run_id, ValueError("no luck")) is None


def test_a_server_that_does_not_take_it_keeps_no_run_from_its_end(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults["set_tag"] = [MlflowException("it is away")]
    assert end(client, run_id, KeyboardInterrupt("SIGTERM")) is None
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["tg.missing"]) == ("KILLED", "tg.stop_reason")


def test_a_reason_that_is_refused_before_the_end_is_written_with_it(client: MemoryClient) -> None:
    run_id = client.create_run("7").info.run_id
    client.faults["set_tag"] = [MlflowException("it is away")]
    write_stop_reason(client, run_id, "cancelled by ann", is_last=False)
    assert client.get_run(run_id).data.tags.keys() & {"tg.missing", "tg.stop_reason"} == set()
    assert re.fullmatch("cancelled by ann" + MOMENT, end(client, run_id, JobStoppedError("job j has stopped")) or "")
    assert "tg.missing" not in client.get_run(run_id).data.tags


def test_an_interrupt_in_another_thread_is_not_said_to_be_a_key() -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(describe_stop(KeyboardInterrupt())))
    thread.start()
    thread.join()
    assert said[0].startswith(f"an interrupt of its launcher, process {os.getpid()} of ")
