import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.small_wheel import make_wheel
from tg.common.errors import StorageError
from tg.common.system.replaced_file import replacing_file
from tg_mlflow.delivery import environment_cache, environment_installer
from tg_mlflow.delivery.environment_cache import EnvironmentRecipe, environments_path, make_environment
from tg_mlflow.errors import ProjectError


def make(*requirements: str) -> Path:
    return make_environment(EnvironmentRecipe("conda.yaml", requirements))


def ask(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def list_environments(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_dir()]


@pytest.mark.starts_process
@pytest.mark.parametrize("has_uv", [True, False])
def test_an_environment_has_what_is_required_and_nothing_else(
    environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_uv: bool
) -> None:
    if not has_uv:
        monkeypatch.setattr(environment_installer, "find_uv", lambda: None)
    elif environment_installer.find_uv() is None:
        pytest.skip("there is no uv")
    wheel = make_wheel(tmp_path, "tiny", "1.5", "VALUE = 7")
    python = make(f"tiny @ {wheel.as_uri()}")
    code = (
        "import importlib.util, sys, tiny; "
        "print(tiny.VALUE, importlib.util.find_spec('numpy'), importlib.util.find_spec('pip') is not None, sys.prefix)"
    )
    assert ask(python, code) == f"7 None True {python.parents[1]}"
    assert python.parents[2] == environments
    content = json.loads((python.parents[1] / "tg-environment.json").read_text())
    assert content == {
        "source": "conda.yaml",
        "python": sys.executable,
        "requirements": [f"tiny @ {wheel.as_uri()}"],
    }
    assert not (python.parents[1] / "requirements.txt").exists()


@pytest.fixture
def installs(environments: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is installed, instead of installing it."""
    found: list[list[str]] = []

    def install(folder: Path, base: Path, requirements: list[str], index_urls: list[str], lock: int) -> None:
        found.append(list(requirements))
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(base)
        if "broken" in requirements:
            raise ProjectError("no version of broken is to be found")

    monkeypatch.setattr(environment_cache, "install_environment", install)
    return found


def test_the_same_content_is_made_once_whatever_the_order(installs: list[list[str]]) -> None:
    first = make("numpy", "click==8.1")
    assert make("click==8.1", "numpy") == first
    assert make("click==8.2", "numpy") != first
    assert installs == [["numpy", "click==8.1"], ["click==8.2", "numpy"]]


def test_another_python_and_other_indexes_are_another_environment(installs: list[list[str]], tmp_path: Path) -> None:
    other = SimpleNamespace(find_python=lambda version: tmp_path / "python")
    recipes = [
        EnvironmentRecipe("a", ["numpy"]),
        EnvironmentRecipe("b", ["numpy"], index_urls=["https://ann:secret@host/simple"]),
        EnvironmentRecipe("c", ["numpy"], index_urls=["https://host/simple"]),
    ]
    first, second, third = [make_environment(each) for each in recipes]
    assert first != second
    assert second == third  # its password is not what makes it
    (tmp_path / "python").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment_cache, "find_python", other.find_python)
        assert make_environment(recipes[0]) != first


def test_an_archive_counts_by_its_content(installs: list[list[str]], tmp_path: Path) -> None:
    requirement = f"tiny @ {make_wheel(tmp_path, 'tiny', '1.5', 'VALUE = 7').as_uri()}"
    first = make(requirement)
    (tmp_path / "copy").mkdir()
    assert make(f"tiny @ {make_wheel(tmp_path / 'copy', 'tiny', '1.5', 'VALUE = 7').as_uri()}") == first
    make_wheel(tmp_path, "tiny", "1.5", "VALUE = 8")
    assert make(requirement) != first


def test_what_cannot_be_installed_leaves_nothing(installs: list[list[str]], environments: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        make("broken")
    assert str(caught.value) == (
        "the environment of conda.yaml cannot be made: no version of broken is to be found; correct it, or set "
        '"env_manager": "local" to use the libraries that are installed here'
    )
    assert list_environments(environments) == []


def test_an_interrupted_one_is_made_again(
    installs: list[list[str]], environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = make("numpy")
    (python.parents[1] / "tg-environment.json").unlink()  # as if the launcher had been killed before it wrote it
    (python.parents[1] / "half").touch()
    assert make("numpy") == python
    assert not (python.parents[1] / "half").exists()
    assert installs == [["numpy"], ["numpy"]]

    def interrupt(path: Path) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment_cache, "replacing_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make("scipy")
    monkeypatch.setattr(environment_cache, "replacing_file", replacing_file)
    assert list_environments(environments) == [python.parents[1]]


def test_one_whose_python_is_gone_is_made_again(installs: list[list[str]], tmp_path: Path) -> None:
    python = make("numpy")
    python.unlink()
    python.symlink_to(tmp_path / "removed")
    assert make("numpy") == python
    assert installs == [["numpy"], ["numpy"]]


@pytest.mark.starts_process
def test_several_launchers_at_once_make_it_once(environments: Path, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny", "1.5")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pythons = pool.map(make, [f"tiny @ {wheel.as_uri()}"] * 3)
    assert len(set(pythons)) == 1
    assert len(list_environments(environments)) == 1


def test_a_python_that_is_not_to_be_had_is_replaced_by_this_one_and_said(
    installs: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment_cache, "find_python", lambda version: None)
    python = make_environment(EnvironmentRecipe("conda.yaml", ["numpy"], "3.13"))
    assert python.readlink() == Path(sys.executable)
    assert "WARNING: Python 3.13 of conda.yaml is not to be had here; Python 3." in capsys.readouterr().out


def test_where_environments_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TG_ENVIRONMENTS_PATH", raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert environments_path() == Path("/home/ann/.cache/tg-mlflow/environments")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert environments_path() == Path("/cache/tg-mlflow/environments")
    monkeypatch.setenv("TG_ENVIRONMENTS_PATH", "~/here")
    assert environments_path() == Path("/home/ann/here")


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TG_ENVIRONMENTS_PATH", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(StorageError) as caught:
        environments_path()
    assert str(caught.value) == (
        "environments cannot be kept: there is no home folder; set TG_ENVIRONMENTS_PATH to a folder"
    )


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TG_ENVIRONMENTS_PATH", str(tmp_path / "file" / "environments"))
    with pytest.raises(ProjectError) as caught:
        make("numpy")
    assert str(caught.value) == (
        f"the environment of conda.yaml cannot be kept in {tmp_path}/file/environments: Not a directory; make room "
        "there, or set TG_ENVIRONMENTS_PATH to another folder"
    )
    assert os.listdir(tmp_path) == ["file"]
