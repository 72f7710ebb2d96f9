"""The log of a container whose daemon falls silent."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tg.common import JobUnreachableError
from tg.common.delivery.delivery.image.docker_client import EngineAwayError
from tg.common.delivery.sagemaker.container import log
from tg.common.delivery.sagemaker.container.log import follow_log

LINE = b"2026-11-30T10:00:00.5Z loss\n"


class Daemon:
    """Says one line, and then never more of a log that is open.

    Args:
        states: What it says of the container when it is asked, the last one again and again.
        has_said: Whether the rest of the log comes where it is not followed.
    """

    def __init__(self, states: list[Any], has_said: bool = True) -> None:
        self._states, self._has_said = states, has_said
        self.ends = threading.Event()

    def inspect_container(self, container: str) -> dict[str, Any]:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(state, Exception):
            raise state
        return {"State": {"Status": state} if isinstance(state, str) else state}

    def logs(self, container: str, follow: bool, **how: Any) -> Iterator[bytes]:
        yield LINE
        if follow or not self._has_said:
            self.ends.wait(20)
        else:
            yield LINE.replace(b"loss", b"end")

    def wait(self, container: str, timeout: int) -> None:
        return None


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.read_watched, "__defaults__", (0.02,))


def read(daemon: Any, follow: bool = True, may_restart: bool = False) -> bytes:
    try:
        return b"".join(event.data for event in follow_log(daemon, "job", 0, follow, lambda: may_restart))
    finally:
        daemon.ends.set()


def test_a_stream_that_does_not_end_with_its_container_is_left() -> None:
    assert read(Daemon(["running", "running", "running", "exited"])) == b"loss\nend\n"


def test_a_daemon_that_does_not_answer_while_a_log_is_open_is_away() -> None:
    with pytest.raises(EngineAwayError, match="container 'job' cannot be looked at: timed out"):
        read(Daemon(["running", "running", requests.ReadTimeout("timed out")]))


def test_an_unknown_state_has_a_bound_while_a_log_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_UNKNOWN_SECONDS", 0.1)
    with pytest.raises(JobUnreachableError, match="Docker says that job 'job' is 'freezing', which this version"):
        read(Daemon(["running", "freezing"]))


def test_a_container_that_trains_without_a_word_is_followed() -> None:
    assert read(Daemon([*["running"] * 20, "paused", "running", "exited"])) == b"loss\nend\n"


def test_an_ended_log_that_stops_half_way_is_the_daemons_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_SILENT_SECONDS", 0.1)
    with pytest.raises(EngineAwayError, match="the log of container 'job' cannot be read: the daemon says no more"):
        read(Daemon(["exited"], has_said=False))


STOPPED = {"Status": "exited", "ExitCode": 143}
KILLED = {"Status": "exited", "ExitCode": 137}


@pytest.mark.parametrize("state", [STOPPED, KILLED])
def test_a_container_that_is_restarted_is_followed_on(state: dict[str, Any]) -> None:
    daemon = Daemon([*[state] * 3, "running", "running", "exited"])
    assert read(daemon, may_restart=True) == b"loss\nend\n"


@pytest.mark.parametrize(
    ("state", "may_restart"),
    [(STOPPED, False), ({"Status": "exited", "ExitCode": 1}, True), ({**KILLED, "OOMKilled": True}, True)],
)
def test_other_ends_are_not_waited_at(
    state: dict[str, Any], may_restart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log.time, "sleep", lambda seconds: pytest.fail("it waits"))
    assert read(Daemon([state]), may_restart=may_restart) == b"loss\nend\n"


def test_one_that_is_stopped_for_good_is_waited_at_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_RESTART_SECONDS", 0.1)
    assert read(Daemon([STOPPED]), may_restart=True) == b"loss\nend\n"
