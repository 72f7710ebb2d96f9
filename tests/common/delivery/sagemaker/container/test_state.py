"""The engine's word for a container's state is a job's state; an unknown word is no end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker import JobState, JobStatus
from tg.common.delivery.sagemaker.container.log import follow_log
from tg.common.delivery.sagemaker.container.state import build_job_state, note_cancelled, was_cancelled
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("created", JobState(JobStatus.QUEUED)),
        ("running", JobState(JobStatus.RUNNING)),
        ("restarting", JobState(JobStatus.RUNNING)),
        ("paused", JobState(JobStatus.RUNNING, None, "its container is paused; `docker unpause` lets it go on")),
        ("frozen", JobState(JobStatus.RUNNING, None, "Docker calls it 'frozen', which is not known here")),
        ("exited", JobState(JobStatus.FAILED, 3, "it exited with code 3")),
        ("dead", JobState(JobStatus.FAILED, 3, "it exited with code 3")),
        ("removing", JobState(JobStatus.FAILED, 3, "it exited with code 3")),
    ],
)
def test_every_word_is_a_state(word: str, state: JobState) -> None:
    container = {"State": {"Status": word, "ExitCode": 3}, "HostConfig": {}}
    assert build_job_state(container, cancelled=False, failure=None) == state


class Engine:
    """Knows a container that says a line between two states of it."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)

    def inspect_container(self, name: str) -> dict[str, Any]:
        return {"State": {"Status": self.words.pop(0)}}

    def logs(self, name: str, follow: bool, **rest: Any) -> Iterator[bytes]:
        yield from [b"2026-11-30T10:00:00Z one\n", *([] if self.words else [b"2026-11-30T10:00:01Z two\n"])]

    def wait(self, name: str, timeout: int) -> None:
        pass


@pytest.mark.parametrize("words", [("frozen", "exited"), ("paused", "frozen", "dead"), ("running", "removing")])
def test_the_log_ends_when_the_container_has_surely_ended(words: tuple[str, ...]) -> None:
    assert b"".join(event.data for event in follow_log(Engine(*words), "job")) == b"one\ntwo\n"


def test_a_job_is_stopped_also_where_that_cannot_be_noted(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    note_cancelled(folder)
    assert not was_cancelled(folder)
    folder.path.mkdir()
    note_cancelled(folder)
    assert was_cancelled(folder)
