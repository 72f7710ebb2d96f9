"""What is checked of a Docker daemon."""

from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

from tg.common.errors import ContainerError
from tg_mlflow.diagnosis import Finding, Outcome, examine, list_docker_checks

BASE = "python:3.12-slim"


class Daemon:
    """A daemon on a machine."""

    base_url = "http+docker://localhost"

    def __init__(self, arch: str = "amd64", images: tuple[str, ...] = (BASE,), root: str = "/") -> None:
        self.arch = arch
        self.images = images
        self.root = root

    def version(self) -> dict[str, Any]:
        return {"Version": "27.1", "Os": "linux", "Arch": self.arch}

    def info(self) -> dict[str, Any]:
        return {"DockerRootDir": self.root}

    def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self.images:
            raise NotFound("no", response=answer(404))
        return {"Id": name}

    def inspect_distribution(self, name: str) -> dict[str, Any]:
        if name.startswith("python:"):
            return {"Descriptor": {}}
        raise APIError("no", response=answer(401), explanation="denied: no such repository")


def answer(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("sys.platform", "linux")


def look(monkeypatch: pytest.MonkeyPatch, daemon: Daemon, base: str = BASE, **options: Any) -> dict[str, Finding]:
    monkeypatch.setattr("tg_mlflow.diagnosis.docker_checks.connect", lambda host: daemon)
    return {each.name: each.finding for each in examine("tg-local", list_docker_checks(None, base, **options))}


def test_a_daemon_with_the_base_image(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, Daemon())
    assert found.pop("Docker's disk").found.endswith("GB free for images in '/'")
    assert found == {
        "Docker": Finding.ok("version 27.1 at http+docker://localhost"),
        "platform": Finding.ok("linux/amd64"),
        "base image": Finding.ok(f"{BASE} is there"),
    }


def test_a_daemon_that_does_not_answer_lets_the_rest_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str | None) -> None:
        raise ContainerError("no Docker daemon answers (Connection refused); start Docker")

    monkeypatch.setattr("tg_mlflow.diagnosis.docker_checks.connect", refuse)
    found = [each.finding for each in examine("tg-local", list_docker_checks(None, BASE))]
    assert found[0] == Finding.problem("no Docker daemon answers (Connection refused)", "start Docker")
    assert found[1:] == [Finding.skipped("not checked, as it needs Docker")] * 3


def test_a_machine_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, Daemon("aarch64"))["platform"] == Finding.ok("linux/arm64; this machine is linux/amd64")
    assert look(monkeypatch, Daemon("aarch64"), platform="linux/amd64")["platform"] == Finding.warning(
        "images are for linux/amd64, and the daemon's machine is linux/arm64: it builds them only if it can emulate "
        "the other one, and slowly",
        "docker run --privileged --rm tonistiigi/binfmt --install amd64",
    )


def test_a_base_image_that_is_to_be_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, Daemon(images=()))["base image"] == Finding.ok(
        f"{BASE} is in its registry; the first build pulls it"
    )
    assert look(monkeypatch, Daemon(), base="nobody/has:it")["base image"] == Finding.problem(
        "nobody/has:it is not there, and its registry does not have it to give: denied: no such repository",
        "see what `docker pull nobody/has:it` says, or set base_image to another one",
    )


@pytest.mark.parametrize(
    ("root", "url", "said"),
    [
        ("/no/such/folder", "http+docker://localhost", "not checked, as '/no/such/folder' cannot be seen from here"),
        ("/", "http+docker://ssh", "not checked, as the daemon is on another machine"),
    ],
)
def test_a_disk_that_cannot_be_seen(monkeypatch: pytest.MonkeyPatch, root: str, url: str, said: str) -> None:
    daemon = Daemon(root=root)
    daemon.base_url = url
    found = look(monkeypatch, daemon)["Docker's disk"]
    assert (found.outcome, found.found) == (Outcome.SKIPPED, said)
