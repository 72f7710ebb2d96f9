"""A machine that is reached over ssh: this one, through an sshd of the tests' own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tg_mlflow.testing")

from examples.ssh_place.tests.sshd import Sshd  # noqa: E402
from tests.conftest import empty_store, jobs, project, store  # noqa: E402
from tg_ssh_place import SshOptions  # noqa: E402

__all__ = ["empty_store", "jobs", "project", "store"]


@pytest.fixture(scope="session")
def session_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """One that a test may stop."""
    with Sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where jobs are kept on the other machine."""
    return tmp_path / "there"


@pytest.fixture
def options(session_sshd: Sshd, there: Path) -> SshOptions:
    return build_options(session_sshd, there)


def build_options(sshd: Sshd, there: Path) -> SshOptions:
    return SshOptions(
        host=sshd.host,
        port=sshd.port,
        identity_file=str(sshd.identity_file),
        config_file=str(sshd.config_file),
        python=sys.executable,
        folder=str(there),
        stop_grace_seconds=0.2,
        retry_seconds=20,
    )
