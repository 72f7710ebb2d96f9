from pathlib import Path

import pytest

from tests.small_wheel import make_wheel


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of environments, for uv and pip without a network: what they install into each is here, too."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in ("pip", "setuptools", "wheel"):
        make_wheel(wheels, name, "99.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "index").as_uri())
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("TG_ENVIRONMENTS_PATH", str(tmp_path / "environments"))
    return tmp_path / "environments"
