import pytest

from tg.common import ContainerError
from tg.common.delivery.delivery.image.docker_client import connect, engine_platform


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("tcp://user:sword/fish@localhost:2375", "tcp://user:***@localhost:2375"),
        ("ssh://user:swordfish@host", "ssh://user:***@host"),
        ("tcp://user:sw@rdfish@[::1]:2375", "tcp://user:***@[::1]:2375"),
    ],
)
def test_an_address_with_a_password_is_refused_without_it(host: str, shown: str) -> None:
    with pytest.raises(ContainerError) as caught:
        connect(host)
    assert str(caught.value) == (
        f"the Docker daemon at {shown!r} cannot be used: Docker takes no password; leave it out"
    )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_ssh_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "paramiko" else object())
    with pytest.raises(ContainerError) as caught:
        connect("ssh://user@host")
    assert str(caught.value) == (
        "the Docker daemon at 'ssh://user@host' is reached by ssh, for which a package is missing; run "
        "`pip install 'tg-mlflow[ssh]'`"
    )


class Daemon:
    """Says what it runs, and counts how often."""

    asked = 0

    def version(self) -> dict[str, str]:
        self.asked += 1
        return {"Os": "linux", "Arch": "x86_64"}


def test_a_daemon_is_asked_once_what_it_runs() -> None:
    one, other = Daemon(), Daemon()
    assert [engine_platform(each) for each in (one, one, other)] == ["linux/amd64"] * 3
    assert (one.asked, other.asked) == (1, 1)
