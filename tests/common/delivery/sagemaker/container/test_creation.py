"""A container that is asked for runs, or nothing is left of it, whatever becomes of the daemon's answers."""

from typing import Any, cast

import pytest
import requests
from docker.errors import NotFound

from tg.common.delivery.delivery.image.docker_client import DockerClient, EngineAwayError
from tg.common.delivery.sagemaker.container.creation import remove_container, start_container


class Daemon:
    """Has containers.

    Attributes:
        states: Their states, by name.
        cut: What it does without being able to say so.
        away: What does not reach it.
    """

    def __init__(self, cut: str = "", away: str = "") -> None:
        self.states: dict[str, str] = {}
        self.cut, self.away = cut, away

    def create_container_from_config(self, config: Any, name: str) -> None:
        self._act("create", lambda: self.states.update({name: "created"}))

    def inspect_container(self, name: str) -> dict[str, Any]:
        return {"Config": {"User": ""}, "State": {"Status": self.states[name]}}

    def put_archive(self, name: str, path: str, data: Any) -> None:
        self._act("put", lambda: None)

    def start(self, name: str) -> None:
        self._act("start", lambda: self.states.update({name: "running"}))

    def remove_container(self, name: str, v: bool, force: bool) -> None:
        if name not in self.states:
            answer = requests.Response()
            answer.status_code = 404
            raise NotFound("no such container", answer)
        self._act("remove", lambda: self.states.pop(name))

    def _act(self, name: str, act: Any) -> None:
        if name != self.away:
            act()
        if name in (self.away, self.cut):
            raise requests.ConnectionError("the connection was cut")


def start(daemon: Daemon) -> None:
    start_container(cast(DockerClient, daemon), "job", {}, {"resourceconfig.json": b"{}"}, {})


@pytest.mark.parametrize("cut", ["", "start"])
def test_a_container_that_runs_stays(cut: str) -> None:
    daemon = Daemon(cut=cut)
    start(daemon)
    assert daemon.states == {"job": "running"}


@pytest.mark.parametrize(
    "fault", [{"away": "create"}, {"cut": "create"}, {"away": "put"}, {"cut": "put"}, {"away": "start"}]
)
def test_nothing_is_left_of_one_that_does_not_run(fault: dict[str, str]) -> None:
    daemon = Daemon(**fault)
    with pytest.raises(EngineAwayError, match=r"^(the container of job 'job' cannot be|the input cannot be sent to)"):
        start(daemon)
    assert daemon.states == {}


def test_it_is_said_how_to_remove_one_that_cannot_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon(away="remove")
    daemon.states["job"] = "exited"
    remove_container(cast(DockerClient, daemon), "job")
    remove_container(cast(DockerClient, daemon), "another")
    (line,) = capsys.readouterr().out.splitlines()
    assert "the container of job 'job' cannot be removed: " in line
    assert line.endswith("; remove it with `docker rm --force --volumes job`")
