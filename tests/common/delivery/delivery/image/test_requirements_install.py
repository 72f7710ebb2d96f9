"""uv is told what pip is told, and takes no part where that is not possible."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tg.common.delivery.delivery.image.requirements_install import build_uv_variables, has_credentials

ALWAYS = {
    "UV_SYSTEM_CERTS": "1",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_NO_CACHE": "1",
    "UV_NO_CONFIG": "1",
}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, {}),
        ({"no-input": "1", "config-file": "/tg-build/pip.conf", "cert": "/tg-build/ca.crt", "progress-bar": "off"}, {}),
        (
            {"index-url": "https://me:s3cret@one.example/simple"},
            {"UV_INDEX_URL": "https://me:s3cret@one.example/simple"},
        ),
        (
            {"extra-index-url": "https://two.example/simple\nhttps://three.example/simple"},
            {"UV_EXTRA_INDEX_URL": "https://two.example/simple https://three.example/simple"},
        ),
    ],
)
def test_indexes_and_what_makes_no_difference(settings: Mapping[str, str], told: Mapping[str, str]) -> None:
    assert build_uv_variables(settings) == {**ALWAYS, **told}


@pytest.mark.parametrize("settings", [None, {"constraint": "/etc/pins.txt"}, {"no-index": "true", "find-links": "/x"}])
def test_pip_installs_what_only_it_is_told_how(settings: Mapping[str, str] | None) -> None:
    assert build_uv_variables(settings) is None


def test_addresses_with_credentials_are_left_to_pip(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy==2.0\ntools @ git+https://git.example/tools@1f2e\n")
    assert not has_credentials(["--no-deps", "-r", str(requirements)])
    requirements.write_text("numpy==2.0\ntools @ git+https://me:s3cret@git.example/tools@1f2e\n")
    assert has_credentials(["-r", str(requirements)])
    assert has_credentials(["tools @ https://t0ken@files.example/tools-1.0-py3-none-any.whl"])
