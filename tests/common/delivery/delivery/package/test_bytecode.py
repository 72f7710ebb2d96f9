"""Modules are compiled once, for all packages that hold them."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tg.common.delivery.delivery.package.bytecode import compile_modules, remove_old_modules

FILES = {"Demo__0/one.py": b"print(__file__)\n", "Demo__0/two.py": b"2 ++\n", "Demo__0/data.txt": b"1"}
COMPILED = f"Demo__0/__pycache__/one.{sys.implementation.cache_tag}.pyc"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tg-mlflow" / "bytecode"


def test_modules_are_compiled_and_what_is_none_is_passed_over() -> None:
    compiled = compile_modules(FILES)
    assert list(compiled) == [COMPILED]
    assert compiled[COMPILED][:8] == importlib.util.MAGIC_NUMBER + b"\1\0\0\0", "whatever the times are"


@pytest.mark.starts_process
def test_python_takes_it_and_shows_the_files_own_path(tmp_path: Path) -> None:
    for name, content in (FILES | compile_modules(FILES)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "Demo__0" / "one.py").write_bytes(b"raise AssertionError('it is compiled again')\n")
    command = [sys.executable, "-c", "import Demo__0.one"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (shown.stdout, shown.stderr) == (f"{tmp_path}/Demo__0/one.py\n", "")


def test_what_has_been_compiled_is_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compile_modules(FILES)
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 1
    monkeypatch.setattr("builtins.compile", lambda *_, **__: pytest.fail("it has been compiled"))
    assert compile_modules({COMPILED: b"", "Demo__0/one.py": FILES["Demo__0/one.py"]}) == first


def test_a_damaged_file_is_made_anew(cache: Path) -> None:
    first = compile_modules(FILES)
    (kept,) = (path for path in cache.rglob("*") if path.is_file())
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    assert compile_modules(FILES) == first
    assert kept.read_bytes() == whole


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert list(compile_modules(FILES)) == [COMPILED]


def test_what_was_compiled_long_ago_is_removed(cache: Path) -> None:
    compile_modules(FILES | {"Demo__0/three.py": b"3\n"})
    old, new = sorted(cache.glob("*/*"))
    os.utime(old, (1, time.time() - 31 * 24 * 3600))
    assert (remove_old_modules(), list(cache.glob("*/*"))) == (1, [new])
    assert remove_old_modules() == 0
