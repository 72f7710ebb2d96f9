"""The folder of a training in its launcher's process."""

import ctypes
import os
import sys
import threading
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.current_folder import working_in


def test_a_training_leaves_its_files_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with working_in(tmp_path / "work"):
        Path("catboost_info").mkdir()
        os.chdir("/")
    assert Path.cwd() == tmp_path
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["catboost_info"]


def test_modules_are_found_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = ["", "/elsewhere"]
    monkeypatch.setattr(sys, "path", path)
    with working_in(tmp_path / "work"):
        assert sys.path == [str(tmp_path), "/elsewhere"]
    assert sys.path == ["", "/elsewhere"]


def test_the_launchers_threads_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    look, seen = threading.Event(), list[str]()
    thread = threading.Thread(target=lambda: (look.wait(10), seen.append(os.getcwd())))
    thread.start()
    is_possible = ctypes.CDLL(None).unshare(0x200) == 0
    with working_in(tmp_path / "work"):
        look.set()
        thread.join()
    if not is_possible:
        pytest.skip("this system does not let a thread have a current folder of its own")
    assert seen == [str(tmp_path)]
