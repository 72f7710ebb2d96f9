"""A description that goes along with a training."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor, start_job
from tg.common import JobFailedError
from tg.common.delivery.sagemaker import LogEvent, LogTail
from tg_mlflow.description import run_description
from tg_mlflow.description.run_description import RunDescription
from tg_mlflow.takeover.rest import record_rest
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.testing.memory_executor import Line

NOTE = "mlflow.note.content"
TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.state": "{}"}


class WaitingClient(MemoryClient):
    """Tells when a description has been written."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.notes: list[str] = []
        self.is_written = threading.Semaphore(0)

    def log_batch(self, run_id: str, *arguments: Any, **options: Any) -> None:
        super().log_batch(run_id, *arguments, **options)
        if (note := self._find(run_id)["tags"].get(NOTE)) is not None:
            self.notes.append(note)
            self.is_written.release()


def say(description: RunDescription, done: int, time_ms: int = 0) -> None:
    description.handlers["progress"]({"op": "progress", "done": done, "of": 4, "unit": "epoch"}, time_ms)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_description, "_FIRST_SECONDS", 0)
    monkeypatch.setattr(run_description, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(run_description, "_PAUSE_SHARE", 0)


@pytest.mark.usefixtures("no_pauses")
def test_it_is_written_when_the_job_says_how_far_it_is() -> None:
    client = WaitingClient()
    run_id = client.create_run("7", tags=TAGS).info.run_id
    with RunDescription(client, run_id) as description:
        for done, time_ms in ((0, 0), (1, 60_000), (2, 120_000)):
            say(description, done, time_ms)
            if done:
                assert client.is_written.acquire(timeout=30)
        say(description, 2, 180_000)  # no news
        say(description, 4, 240_000)  # what is left are its results
    beginning = "**In progress** at memory since 1970-01-01 00:00 UTC. By"
    assert client.notes == [
        f"{beginning} 00:01 UTC, epoch 1 of 4 was done; the rest takes about 3 min, until 00:04 UTC.",
        f"{beginning} 00:02 UTC, epoch 2 of 4 was done; the rest takes about 2 min, until 00:04 UTC.",
    ]
    description.end(client, "FINISHED")
    assert client.notes[2].startswith("**Finished** at memory after")


def test_each_news_is_told_as_a_text() -> None:
    client = WaitingClient()
    told: list[tuple[int, int, str]] = []
    with RunDescription(client, client.create_run("7", tags=TAGS).info.run_id) as description:
        description.tell = lambda *news: told.append(news)
        for done, time_ms in ((0, 0), (1, 60_000), (1, 60_000), (4, 240_000)):
            say(description, done, time_ms)
    assert told == [(0, 4, "epoch 0 of 4"), (1, 4, "epoch 1 of 4, 3 min left"), (4, 4, "epoch 4 of 4")]


def test_of_a_short_training_only_the_end_is_described() -> None:
    client = WaitingClient()
    run_id = client.create_run("7", tags=TAGS).info.run_id
    with RunDescription(client, run_id) as description:
        for done in range(4):
            say(description, done)
    assert client.notes == []
    say(description, 3)  # what comes too late is not waited for
    description.end(client, "FINISHED")
    assert len(client.notes) == 1


def test_a_failure_is_explained_by_the_end_of_the_output() -> None:
    client = WaitingClient()
    run_id = client.create_run("7", tags=TAGS).info.run_id
    description, tail = RunDescription(client, run_id), LogTail()
    description.follow(tail)
    tail.add(LogEvent(b'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    g()\nKeyError: 1\n', 1))
    description.end(client, "FAILED")
    assert '```\n  File "a.py", line 3, in f\n    g()\nKeyError: 1\n```' in client.notes[0]
    client.requests.clear()
    description.end(client, "FINISHED")
    assert "KeyError" not in client.notes[1]


@pytest.mark.parametrize(("failure", "status"), [(None, "FINISHED"), ("no luck", "FAILED")])
def test_whoever_takes_over_describes_the_end(
    jobs: Path, monkeypatch: pytest.MonkeyPatch, failure: str | None, status: str
) -> None:
    client = WaitingClient()
    monkeypatch.setattr("tg_mlflow.training.job_watch.log_result", lambda *_: {})
    trace = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "    g()", "KeyError: 1"]
    progress = '###JOB###{"op":"progress","done":3,"of":4,"unit":"fold"}###'
    lines = [Line(0, each) for each in (progress, *(trace if failure else ()), "###METRIC###auc:0.5###")]
    executor = make_executor(lines, seconds=0, failure=failure)
    job = start_job(client, executor, **TAGS)
    found = find_job(client.get_run(job.run_id), executor)
    if failure is None:
        record_rest(client, found, show=lambda event: None)
    else:
        with pytest.raises(JobFailedError):
            record_rest(client, found, show=lambda event: None)
    run = client.get_run(job.run_id)
    assert run.info.status == status
    note = run.data.tags[NOTE]
    assert note.startswith(f"**{status.capitalize()}** at memory after")
    assert ("fold 3 of 4 was done: " in note) == ("KeyError: 1\n```" in note) == (failure is not None)
    assert "| auc&emsp; | 0.5 |" in note
    assert client.requests.index("log_batch") < client.requests.index("set_terminated")
