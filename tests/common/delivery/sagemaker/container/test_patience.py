"""A Docker daemon that is away for a while is waited for, as jobs in its containers go on."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tg.common import ContainerError, JobUnreachableError
from tg.common.delivery.delivery.image.docker_client import DockerClient, EngineAwayError
from tg.common.delivery.sagemaker import LogEvent
from tg.common.delivery.sagemaker.container import patience
from tg.common.delivery.sagemaker.container.patience import EnginePatience

CLIENT = cast(DockerClient, None)


def away(times: int, result: Any = "done") -> Callable[[], Any]:
    left = [times]

    def ask() -> Any:
        if left[0]:
            left[0] -= 1
            raise EngineAwayError("no Docker daemon answers")
        return result

    return ask


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """A container's log that breaks off after each line; returns how it has been asked for."""
    asked: list[tuple[int, bool]] = []

    def follow_log(
        client: DockerClient, job_id: str, position: int, follow: bool, may_restart: Any
    ) -> Iterator[LogEvent]:
        asked.append((position, follow))
        text = b"one\ntwo\n"[position : position + 4]
        if text:
            yield LogEvent(text, 1)
            raise EngineAwayError("no Docker daemon answers")

    monkeypatch.setattr(patience, "follow_log", follow_log)
    return asked


def test_a_log_goes_on_where_it_broke_off(log: list[tuple[int, bool]]) -> None:
    events = list(EnginePatience(60, 0).follow(CLIENT, "job", 0, True))
    assert [event.data for event in events] == [b"one\n", b"two\n"]
    assert log == [(0, True), (4, True), (8, True)]


def test_who_does_not_wait_for_more_is_told_at_once(log: list[tuple[int, bool]]) -> None:
    with pytest.raises(EngineAwayError):
        list(EnginePatience(60, 0).follow(CLIENT, "job", 0, False))
    assert log == [(0, False)]


def test_a_daemon_is_waited_for_while_a_job_is_followed(
    log: list[tuple[int, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = EnginePatience(90, 0)
    with pytest.raises(ContainerError):
        waiting.ask("job", away(1))
    list(waiting.follow(CLIENT, "job", 8, True))
    assert waiting.ask("job", away(3)) == "done"
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert said.endswith(
        "no Docker daemon answers; waiting up to 1.5 minutes for that to be settled, while the job goes on"
    )


def test_a_daemon_that_stays_away_leaves_the_job_alone(log: list[tuple[int, bool]]) -> None:
    waiting = EnginePatience(0, 0.001)
    list(waiting.follow(CLIENT, "job", 8, True))
    with pytest.raises(JobUnreachableError, match="no Docker daemon answers; the job goes on and can be"):
        waiting.ask("job", away(5000))


def test_a_log_that_always_breaks_off_is_not_asked_for_without_pause(
    log: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away_log() -> Iterator[LogEvent]:
        raise EngineAwayError("the daemon answers 502")

    def break_off(
        client: DockerClient, job_id: str, position: int, follow: bool, may_restart: Any
    ) -> Iterator[LogEvent]:
        log.append((position, follow))
        yield from away_log()

    monkeypatch.setattr(patience, "follow_log", break_off)
    with pytest.raises(JobUnreachableError, match="the daemon answers 502"):
        list(EnginePatience(0.2, 0.05).follow(CLIENT, "job", 0, True))
    assert 2 <= len(log) <= 6
