from pathlib import Path

import pytest

from tg.common import Loc


@pytest.fixture(autouse=True)
def no_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TG_ROOT_PATH", "TG_TEMP_PATH", "TG_DATA_CACHE_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("marker", ["MLproject", "environment.env", "pyproject.toml", ".git"])
def test_the_root_is_the_nearest_folder_with_a_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str
) -> None:
    (tmp_path / "project" / "notebooks").mkdir(parents=True)
    (tmp_path / "project" / marker).touch()
    monkeypatch.chdir(tmp_path / "project" / "notebooks")
    assert Loc.root_path == tmp_path / "project"
    assert Loc.temp_path == tmp_path / "project" / "temp"
    assert Loc.data_cache_path == tmp_path / "project" / "data-cache"


def test_the_root_can_be_used_as_in_the_source_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "environment.env").touch()
    monkeypatch.chdir(tmp_path)
    assert Loc.root_path / "environment.env" == tmp_path / "environment.env"


def test_variables_override_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_ROOT_PATH", str(tmp_path / "root"))
    assert Loc.temp_path == tmp_path / "root" / "temp"
    monkeypatch.setenv("TG_TEMP_PATH", str(tmp_path / "scratch"))
    monkeypatch.setenv("TG_DATA_CACHE_PATH", str(tmp_path / "cache"))
    assert Loc.root_path == tmp_path / "root"
    assert Loc.temp_path == tmp_path / "scratch"
    assert Loc.data_cache_path == tmp_path / "cache"


def test_nothing_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_ROOT_PATH", str(tmp_path / "root"))
    assert (Loc.root_path, Loc.temp_path, Loc.data_cache_path) is not None
    assert list(tmp_path.iterdir()) == []
