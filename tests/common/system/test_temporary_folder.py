"""Folders of which nothing is left, whenever Ctrl-C comes."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tg.common.system.interrupts import uninterrupted
from tg.common.system.temporary_folder import remove_left_folders, temporary_folder


@pytest.fixture
def press_during(monkeypatch: pytest.MonkeyPatch) -> Callable[[object, str], None]:
    """Has Ctrl-C pressed when a function of a module begins."""

    def arrange(module: object, name: str) -> None:
        function = getattr(module, name)

        def press_and_go_on(*args: object, **options: object) -> object:
            os.kill(os.getpid(), signal.SIGINT)
            return function(*args, **options)

        monkeypatch.setattr(module, name, press_and_go_on)

    return arrange


def test_it_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    with temporary_folder("points-", tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("points-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "c").write_text("c")
        (folder / "a" / "b").chmod(0o500)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("module", "name"), [(tempfile, "mkdtemp"), (shutil, "rmtree")])
def test_ctrl_c_leaves_none(
    tmp_path: Path, press_during: Callable[[object, str], None], module: object, name: str
) -> None:
    press_during(module, name)
    with pytest.raises(KeyboardInterrupt), temporary_folder(parent=tmp_path) as folder:
        (folder / "a").write_text("a")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_waits_for_what_holds_it_back(tmp_path: Path, press_during: Callable[[object, str], None]) -> None:
    press_during(shutil, "rmtree")
    steps = []
    with uninterrupted() as held:
        with temporary_folder(parent=tmp_path):
            steps.append("in it")
        steps.append("behind it")
    assert (steps, held.any) == (["in it", "behind it"], True)
    assert list(tmp_path.iterdir()) == []


def test_one_that_nobody_uses_any_more_goes_too(tmp_path: Path) -> None:
    stack = ExitStack()
    folder = stack.enter_context(temporary_folder(parent=tmp_path))
    assert folder.is_dir()
    del stack
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_no_error(tmp_path: Path) -> None:
    with temporary_folder(parent=tmp_path) as folder:
        shutil.rmtree(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def old(temporary: Path) -> Callable[[str], Path]:
    """Makes a folder as one that a killed process has left an hour ago."""

    def make(name: str) -> Path:
        folder = temporary / name
        folder.mkdir(mode=0o700)
        (folder / "content").write_text("content")
        os.utime(folder, (1, time.time() - 3600))
        return folder

    return make


def test_what_killed_processes_have_left_is_removed(temporary: Path, old: Callable[[str], Path]) -> None:
    left = [old("tg-mlflow-tmp-1"), old("tg-mlflow-tmp-2")]
    kept = [old("tg-mlflow-log-1"), old("tg-other"), old("tmp-tg-mlflow-tmp-3")]
    (temporary / "tg-mlflow-tmp-link").symlink_to(kept[0])
    (temporary / "tg-mlflow-tmp-young").mkdir()
    with temporary_folder() as own:
        os.utime(own, (1, 1))
        assert remove_left_folders() == 2
        assert own.is_dir()
    assert [path.exists() for path in (*left, *kept)] == [False, False, True, True, True]
    assert (kept[0] / "content").read_text() == "content"
    assert sorted(path.name for path in temporary.glob("tg-mlflow-tmp-*")) == [
        "tg-mlflow-tmp-link",
        "tg-mlflow-tmp-young",
    ]


@pytest.mark.starts_process
def test_a_folder_is_left_by_its_process_and_not_before(temporary: Path) -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with temporary_folder() as folder:
            os.utime(folder, (1, 1))
            os.write(writer, folder.name.encode())
            signal.pause()
    folder = temporary / os.read(reader, 1000).decode()
    assert remove_left_folders() == 0
    assert folder.is_dir()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert remove_left_folders() == 1
    assert not folder.exists()
