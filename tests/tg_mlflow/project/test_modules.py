import importlib
import importlib.util
import json
import os
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tg_mlflow.project.modules import project_modules


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_two_projects_with_modules_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, "tasks.py", f"import parts.deep\nNAME = {name!r} + parts.deep.NAME")
        write(tmp_path / name, "parts/__init__.py", "")
        write(tmp_path / name, "parts/deep.py", f"NAME = {name.upper()!r}")
    found = []
    for name in ("one", "two", "one"):
        with project_modules(tmp_path / name):
            found.append(importlib.import_module("tasks").NAME)
    assert found == ["oneONE", "twoTWO", "oneONE"]
    assert not {"tasks", "parts", "parts.deep"} & set(sys.modules)


def test_an_edited_file_is_seen_even_within_the_same_second_and_size(tmp_path: Path) -> None:
    for text in ("VALUE = 1", "VALUE = 2"):
        for name in ("tasks.py", "parts/deep.py"):
            file = write(tmp_path, name, text)
            os.utime(file, (1_700_000_000, 1_700_000_000))
        with project_modules(tmp_path):
            assert int(text[-1]) == importlib.import_module("tasks").VALUE
            assert int(text[-1]) == importlib.import_module("parts.deep").VALUE
    assert list(tmp_path.rglob("*.pyc")) == []


def test_a_bytecode_file_of_another_program_is_not_used(tmp_path: Path) -> None:
    file = write(tmp_path, "tasks.py", "VALUE = 1")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    import py_compile

    py_compile.compile(str(file))
    write(tmp_path, "tasks.py", "VALUE = 2")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with project_modules(tmp_path):
        assert importlib.import_module("tasks").VALUE == 2


def test_what_was_imported_before_is_there_again(tmp_path: Path) -> None:
    write(tmp_path / "old", "tasks.py", "NAME = 'old'")
    write(tmp_path / "new", "tasks.py", "NAME = 'new'")
    sys.path.insert(0, str(tmp_path / "old"))
    try:
        old = importlib.import_module("tasks")
        with project_modules(tmp_path / "new"):
            assert importlib.import_module("tasks").NAME == "new"
        assert sys.modules["tasks"] is old
    finally:
        sys.path.remove(str(tmp_path / "old"))
        del sys.modules["tasks"]


def test_the_paths_and_hooks_are_as_before_even_after_an_error(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py", "1 / 0")
    before = (list(sys.path), list(sys.path_hooks))
    with pytest.raises(ZeroDivisionError), project_modules(tmp_path):
        importlib.import_module("tasks")
    assert (sys.path, sys.path_hooks) == before
    assert "tasks" not in sys.modules


def test_the_standard_library_is_not_hidden(tmp_path: Path) -> None:
    write(tmp_path, "json.py", "raise AssertionError('imported in place of the real one')")
    with project_modules(tmp_path):
        assert importlib.import_module("json") is json


@pytest.mark.parametrize("name", ["wave", "yaml", "sched"])
def test_no_installed_module_is_hidden_whether_or_not_it_is_imported(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, f"{name}.py", "raise AssertionError('imported in place of the real one')")
    write(tmp_path, "pkg/__init__.py", "")
    write(tmp_path, f"pkg/{name}.py", "MINE = True")
    monkeypatch.delitem(sys.modules, name, raising=False)
    with project_modules(tmp_path):
        assert not str(importlib.import_module(name).__file__).startswith(str(tmp_path))
        assert importlib.import_module(f"pkg.{name}").MINE


@pytest.mark.parametrize("way", ["path", "module", "pyproject"])
def test_modules_in_a_source_folder_are_imported_afresh(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "path":
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src")])
    if way == "pyproject":
        if sys.version_info < (3, 11):
            pytest.skip("Python reads TOML from 3.11 on")
        write(tmp_path, "pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["src"]')
    before = list(sys.path)
    for text in ("VALUE = 1", "VALUE = 2"):
        write(tmp_path, "src/pq_churn/__init__.py", "")
        file = write(tmp_path, "src/pq_churn/deep.py", text)
        os.utime(file, (1_700_000_000, 1_700_000_000))
        with project_modules(tmp_path, ["pq_churn.deep"] if way == "module" else []):
            assert int(text[-1]) == importlib.import_module("pq_churn.deep").VALUE
    assert sys.path == before
    assert "pq_churn" not in sys.modules


def test_what_was_imported_from_a_source_folder_before_is_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src")])
    write(tmp_path, "src/pq_kept.py", "VALUE = 1")
    old = importlib.import_module("pq_kept")
    write(tmp_path, "src/pq_kept.py", "VALUE = 22")
    with project_modules(tmp_path):
        assert importlib.import_module("pq_kept").VALUE == 22
    assert sys.modules.pop("pq_kept") is old


def test_libraries_in_an_environment_inside_the_project_stay_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = write(tmp_path, ".venv/lib/site-packages/pq_library.py", "").parent
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    with project_modules(tmp_path):
        library = importlib.import_module("pq_library")
    assert sys.modules.pop("pq_library") is library


def test_runs_in_several_threads_take_turns(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, "tasks.py", f"NAME = {name!r}")
    inside, go_on = threading.Event(), threading.Event()
    found = []

    def first() -> None:
        with project_modules(tmp_path / "one"):
            inside.set()
            assert go_on.wait(30)
            found.append(importlib.import_module("tasks").NAME)

    def second() -> None:
        with project_modules(tmp_path / "two"):
            found.append(importlib.import_module("tasks").NAME)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(30)
    threads.append(threading.Thread(target=second))
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert found == ["one", "two"]


class AnswersEverything(types.ModuleType):
    """As ``torch.classes`` does: each attribute is there, and is such a module again."""

    def __getattr__(self, name: str) -> "AnswersEverything":
        return AnswersEverything(name)


class Raises(types.ModuleType):
    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


class Slotted:
    __slots__ = ()


def make_lazy() -> types.ModuleType:
    spec = importlib.util.find_spec("this")  # which prints a poem when it is loaded
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_path(path: object) -> types.ModuleType:
    module = types.ModuleType("odd")
    module.__dict__["__path__"] = path
    return module


@pytest.mark.parametrize(
    "make",
    [
        lambda: AnswersEverything("odd"),
        lambda: Raises("odd"),
        Slotted,
        make_lazy,
        lambda: None,
        lambda: 1,
        lambda: with_path(AnswersEverything("path")),
        lambda: with_path([1, None]),
        lambda: with_path(["\0"]),
    ],
    ids=["answers", "raises", "slotted", "lazy", "none", "number", "path-answers", "path-of-numbers", "path-with-nul"],
)
def test_whatever_stands_for_a_module_ends_no_run(
    make: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "tasks.py", "VALUE = 1")
    write(tmp_path, "before.py", "VALUE = 2")
    monkeypatch.setitem(sys.modules, "before", make())
    with project_modules(tmp_path):
        monkeypatch.setitem(sys.modules, "odd", make())
        assert importlib.import_module("tasks").VALUE == 1
        assert importlib.import_module("before").VALUE == 2
    assert "tasks" not in sys.modules
    assert capsys.readouterr().out == ""


def test_our_own_packages_are_not_hidden(tmp_path: Path) -> None:
    for name in ("tg", "tg_mlflow"):
        (tmp_path / f"{name}.py").write_text("mine = 1", encoding="utf-8")
    with project_modules(tmp_path):
        import tg
        import tg_mlflow

        assert not any(hasattr(each, "mine") for each in (tg, tg_mlflow))
