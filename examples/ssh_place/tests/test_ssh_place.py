"""The place passes the contract of all places, and keeps keys to itself."""

from pathlib import Path
from typing import Any

import pytest

from tg.common import DeliveryError
from tg_mlflow.testing.place_contract import PlaceContract
from tg_ssh_place import SshOptions
from tg_ssh_place.place import SshConfig, SshPlace


class TestSshPlace(PlaceContract):
    @pytest.fixture
    def name(self) -> str:
        return "tg-ssh"

    @pytest.fixture
    def given(self, key: Path) -> dict[str, Any]:
        return {
            "host": "user@host",
            "port": 2222,
            "identity_file": key.name,
            "python": "venv/bin/python",
            "folder": "/scratch/jobs",
            "stop_grace_seconds": 2.5,
            "retry_seconds": 5,
            "environment": {"COLOUR": "red"},
        }

    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        path = tmp_path / "key"
        path.write_text("a private key")
        return path

    def test_only_the_path_of_a_key_is_kept(self, given: dict[str, Any], key: Path, tmp_path: Path) -> None:
        options = SshPlace().build_options(SshConfig(**given), tmp_path)
        assert options.identity_file == str(key)
        assert "private" not in str(SshPlace().write_options(options))

    def test_a_key_that_this_machine_lacks_is_passed_over(
        self, given: dict[str, Any], key: Path, tmp_path: Path
    ) -> None:
        written = SshPlace().write_options(SshPlace().build_options(SshConfig(**given), tmp_path))
        key.unlink()
        assert SshPlace().read_options(written) == SshOptions(
            "user@host", 2222, None, None, "venv/bin/python", "/scratch/jobs", 2.5, 5
        )
        with pytest.raises(DeliveryError, match="identity_file is 'key', and there is no file"):
            SshPlace().build_options(SshConfig(**given), tmp_path)
