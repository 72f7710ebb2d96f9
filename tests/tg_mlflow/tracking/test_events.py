"""The timeline of a run: written with one request a change, whatever the server does, and read from the run alone."""

import json
import threading

import pytest
from mlflow.entities import Run, RunData, RunInfo, RunTag
from mlflow.exceptions import MlflowException

from tests.memory_server import FakeClock, MemoryClient
from tg.common.secrets import SecretMask
from tg_mlflow.tracking.events import flush_events, note_event, read_events
from tg_mlflow.tracking.lifecycle import ending_run
from tg_mlflow.tracking.timeline import Event, format_events, parse_events


def read_tag(client: MemoryClient, run_id: str) -> list[list[object]]:
    events: list[list[object]] = json.loads(client.get_run(run_id).data.tags["tg.events"])
    return events


def test_each_change_is_one_request_and_the_first_one_more() -> None:
    client = MemoryClient()
    run_id = client.create_run("7", tags={"tg.events": '[[1,"queued",""]]'}).info.run_id
    client.requests.clear()
    note_event(client, run_id, "started", time_ms=2)
    note_event(client.without_patience(), run_id, "interrupted", "the machine\nwas reclaimed", time_ms=3)
    assert client.requests == ["get_run", "set_tag", "set_tag"]
    assert read_tag(client, run_id) == [
        [1, "queued", ""],
        [2, "started", ""],
        [3, "interrupted", "the machine was reclaimed"],
    ]


def test_a_change_that_is_read_again_from_the_log_is_noted_once_also_by_another_process() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    note_event(client, run_id, "interrupted", "reclaimed", time_ms=3)
    client.timelines.clear()  # another process knows nothing
    note_event(client, run_id, "interrupted", "reclaimed", time_ms=3)
    note_event(client, run_id, "interrupted", "reclaimed", time_ms=9)
    assert read_tag(client, run_id) == [[3, "interrupted", "reclaimed"], [9, "interrupted", "reclaimed"]]


@pytest.mark.parametrize("request_name", ["get_run", "set_tag"])
def test_what_a_server_that_is_away_does_not_take_comes_with_the_next_change(request_name: str) -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    client.faults[request_name] = [MlflowException("it is away")]
    note_event(client, run_id, "queued", time_ms=1)
    assert "tg.events" not in client.get_run(run_id).data.tags
    note_event(client, run_id, "started", time_ms=2)
    assert read_tag(client, run_id) == [[1, "queued", ""], [2, "started", ""]]


def test_what_can_wait_comes_with_the_next_change_or_with_the_end_of_the_run() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    note_event(client, run_id, "packaged", time_ms=1, is_urgent=False)
    assert client.requests == ["create_run"]
    with ending_run(client, run_id):
        pass
    assert read_tag(client, run_id) == [[1, "packaged", ""]]
    client.requests.clear()
    flush_events(client, run_id)
    assert client.requests == []


def test_what_a_server_does_not_take_before_the_end_is_written_when_it_is_back() -> None:
    client = MemoryClient(patience_seconds=60, clock=FakeClock())
    run_id = client.create_run("7").info.run_id
    note_event(client, run_id, "packaged", time_ms=1, is_urgent=False)
    client.faults["set_tag"] = [MlflowException("it is away")] * 2
    with ending_run(client, run_id):
        pass
    assert read_tag(client, run_id) == [[1, "packaged", ""]]


def test_what_the_server_does_not_take_until_the_end_is_said_to_be_missing() -> None:
    client = MemoryClient()
    run_id = client.create_run("7").info.run_id
    note_event(client, run_id, "packaged", time_ms=1, is_urgent=False)
    client.faults["set_tag"] = [MlflowException("it is away")]
    with ending_run(client.without_patience(), run_id):
        pass
    assert client.get_run(run_id).data.tags == {"tg.missing": "tg.events"}


def test_a_server_that_hangs_keeps_nobody_from_noting_what_can_wait() -> None:
    client, is_asked, may_answer = MemoryClient(), threading.Event(), threading.Event()
    run_id = client.create_run("7").info.run_id
    write = client._take

    def hang(request: str) -> None:
        write(request)
        if request == "set_tag":
            is_asked.set()
            assert may_answer.wait(60)

    client._take = hang  # type: ignore[method-assign]
    slow = threading.Thread(target=note_event, args=(client, run_id, "queued", "", 1))
    slow.start()
    assert is_asked.wait(60)
    note_event(client, run_id, "started", time_ms=2, is_urgent=False)  # comes back at once
    may_answer.set()
    slow.join()
    flush_events(client, run_id)
    assert read_tag(client, run_id) == [[1, "queued", ""], [2, "started", ""]]


def test_a_cause_is_without_secrets() -> None:
    client = MemoryClient(mask=SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run("7").info.run_id
    note_event(client, run_id, "waiting", "the quota of tok-4f5e6d", time_ms=1)
    assert read_tag(client, run_id) == [[1, "waiting", "the quota of ***"]]


def test_of_very_many_changes_the_first_and_the_latest_stay() -> None:
    events = [Event(number, "interrupted", "the spot instances were reclaimed") for number in range(1000)]
    text = format_events(events)
    kept = parse_events(text)
    assert len(text) <= 5000
    assert kept[0].time_ms == 0
    assert kept[-1].time_ms == 999
    (gap,) = [event for event in kept if event.state == "…"]
    assert gap.cause == f"{1000 - (len(kept) - 1)} more"


def make_run(status: str, end: int | None = None, **tags: str) -> Run:
    info = RunInfo("4711", "7", "ann", status, 1_000, end, "active")
    named = {"mlflow.user": "ann", "mlflow.project.backend": "tg-process", "mlflow.project.entryPoint": "main"} | tags
    return Run(info, RunData(tags=[RunTag(name, value) for name, value in named.items()]))


def test_a_timeline_goes_from_the_creation_to_the_end_by_time() -> None:
    noted = '[[3000,"started",""],[2000,"queued","a quota"]]'
    run = make_run("KILLED", 4_000, **{"tg.events": noted, "tg.stop_reason": "ann on tower, Ctrl-C"})
    assert read_events(run) == [
        (1_000, "created", "by ann, with tg-process, entry point main"),
        (2_000, "queued", "a quota"),
        (3_000, "started", ""),
        (4_000, "ended", "KILLED: ann on tower, Ctrl-C"),
    ]


@pytest.mark.parametrize("text", ["", "{", "7", '[7, [1], ["1", "x", ""], [1, "x", null]]'])
def test_what_is_damaged_is_left_out(text: str) -> None:
    run = make_run("RUNNING", **{"tg.events": text})
    assert [event.state for event in read_events(run)] == ["created"]
