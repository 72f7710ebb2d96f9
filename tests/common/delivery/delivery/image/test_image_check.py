from typing import Any

import pytest
import requests

from tg.common import ContainerError, ImageBuildError
from tg.common.delivery.delivery.image.image import Image
from tg.common.delivery.delivery.image.image_check import check_image

IMAGE = Image("titanic:1", "sha256:1")


class Daemon:
    """Runs a container that writes something and ends."""

    def __init__(self, code: int, output: str, starts: bool = True) -> None:
        self.code, self.output, self.starts = code, output, starts
        self.request: dict[str, Any] = {}
        self.removed: list[str] = []
        self.seconds = 0

    def create_container_from_config(self, request: dict[str, Any]) -> dict[str, str]:
        self.request = request
        return {"Id": "c1"}

    def start(self, container: str) -> None:
        if not self.starts:
            raise ContainerError("no such runtime")

    def inspect_container(self, container: str) -> dict[str, Any]:
        is_running = self.seconds > 0
        return {"State": {"Running": is_running, "ExitCode": 0 if is_running else self.code}}

    def wait(self, container: str, timeout: int) -> None:
        self.seconds -= timeout
        if self.seconds > 0:
            raise requests.ReadTimeout

    def logs(self, container: str, stdout: bool, stderr: bool) -> bytes:
        return self.output.encode()

    def remove_container(self, container: str, force: bool, v: bool) -> None:
        self.removed.append(container)


FAILED = "2026-11-29 INFO: Welcome\n2026-11-29 ERROR: Job has failed: 'lightgbm' cannot be imported: no gomp\nmore\n"


def test_an_image_that_has_all() -> None:
    daemon: Any = Daemon(0, "fine")
    check_image(daemon, IMAGE)
    assert daemon.request == {"Image": "sha256:1", "Cmd": ["check"], "NetworkDisabled": True}
    assert daemon.removed == ["c1"]


def test_imports_may_take_long() -> None:
    daemon: Any = Daemon(0, "fine")
    daemon.seconds = 1800
    check_image(daemon, IMAGE)
    assert daemon.seconds == 0


@pytest.mark.parametrize(
    ("output", "reason"),
    [(FAILED, "'lightgbm' cannot be imported: no gomp"), ("first\nlast\n\n", "last"), ("", "it says nothing")],
)
def test_what_an_image_lacks(output: str, reason: str) -> None:
    daemon: Any = Daemon(1, output)
    with pytest.raises(ImageBuildError) as caught:
        check_image(daemon, IMAGE)
    assert str(caught.value) == f"image 'titanic:1' cannot run this training: {reason}"
    assert daemon.removed == ["c1"]


def test_what_needs_a_gpu_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    daemon: Any = Daemon(1, FAILED)
    check_image(daemon, IMAGE, has_gpus=True)
    assert "no gomp (tried on this machine, without GPUs)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("daemon", "reason"),
    [
        (Daemon(0, "", starts=False), "no such runtime"),
        (Daemon(255, "exec /opt/tg-venv/bin/python: exec format error\n"), "it is made for another processor"),
    ],
)
def test_an_image_that_cannot_be_tried_here(daemon: Any, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    check_image(daemon, IMAGE)
    assert reason in capsys.readouterr().out
    assert daemon.removed == ["c1"]
