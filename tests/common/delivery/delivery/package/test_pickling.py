"""Pickles in which modules are renamed on the way out and on the way in, and nothing else is."""

import functools
import importlib
import io
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tg.common import DatasetError
from tg.common.delivery.delivery.package.pickling import (
    can_pickle,
    dump_pickle,
    dump_renamed_pickle,
    load_pickle,
    rename_prefix,
)
from tg.common.ml.training_core import FoldSplitter

SOURCE = """
import enum

class Task:
    def __init__(self, value=None):
        self.value = value

    def method(self):
        return self.value

    @classmethod
    def build(cls):
        return cls("built")

    class Part:
        class Piece(str):
            def method(self):
                return self + "!"

class Größe(Task):
    pass

class Color(enum.Enum):
    RED = "local_tasks.Color"

def function(a, b=0):
    return a - b

def größer(a, b):
    return a > b

unnamed = lambda: 1

def outer():
    class Local:
        pass
    return Local
"""

RENAMED = {"local_tasks": "Root__0.local_tasks", "tg": "Root__0.tg"}


def rename(module: str) -> str:
    return rename_prefix(module, RENAMED)


def restore(module: str, name: str) -> str:
    return rename_prefix(module, {new: old for old, new in RENAMED.items()})


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A project's module; others beside it have names that begin alike."""
    for name in ("local_tasks", "local_tasksx", "local"):
        (tmp_path / f"{name}.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("local_tasks")
    for name in ("local_tasks", "local_tasksx", "local"):
        sys.modules.pop(name, None)


def round_trip(value: Any) -> Any:
    return load_pickle(dump_renamed_pickle(value, rename)[0], restore)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tg", "Root.tg"),
        ("tg.common", "Root.tg.common"),
        ("tgx", "tgx"),
        ("tgx.tg", "tgx.tg"),
        ("a.tg", "a.tg"),
        ("t", "t"),
        ("tg.old", "new"),
        ("tg.old.b", "new.b"),
        ("tg.older", "Root.tg.older"),
        ("", ""),
    ],
)
def test_modules_are_renamed_by_their_longest_prefix_of_whole_parts(name: str, expected: str) -> None:
    assert rename_prefix(name, {"tg": "Root.tg", "tg.old": "new"}) == expected


def test_classes_move_to_the_renamed_module(tasks: ModuleType) -> None:
    content, modules = dump_renamed_pickle(tasks.Task(DatasetError("text")), rename)
    assert content.startswith(b"\x80\x03")
    assert [argument for opcode, argument, _ in pickletools.genops(content) if opcode.name == "GLOBAL"] == [
        "Root__0.local_tasks Task",
        "Root__0.tg.common.errors DatasetError",
    ]
    assert modules == {"local_tasks", "tg.common.errors"}
    with pytest.raises(ModuleNotFoundError, match="No module named 'Root__0'"):
        load_pickle(content)
    with pytest.raises(ModuleNotFoundError, match="No module named 'Root__0'"):
        pickle.loads(content)
    loaded = load_pickle(content, restore)
    assert type(loaded) is tasks.Task
    assert type(loaded.value) is DatasetError


def test_modules_with_names_that_begin_alike_stay(tasks: ModuleType) -> None:
    for name in ("local_tasksx", "local"):
        value = importlib.import_module(name).Task(1)
        content, modules = dump_renamed_pickle(value, rename)
        assert modules == {name}
        assert load_pickle(content).value == 1
        assert b"Root__0" not in content


def test_data_stay_as_they_are(tasks: ModuleType) -> None:
    data = {
        "tg": "tg.common",
        "local_tasks": ["local_tasks\nTask\n", "clocal_tasks\nTask\n"],
        "bytes": [b"clocal_tasks\nTask\n", bytearray(b"ctg\nx\n")],
        "tuple": ("local_tasks Task", 1, -(2**80), 0.1, None, {"tg"}, frozenset({"tg"})),
    }
    content, _ = dump_renamed_pickle(data, rename)
    assert load_pickle(content) == data
    assert b"Root__0" not in content
    mixed = round_trip([data, tasks.Task(data), data["tg"]])
    assert mixed[0] == mixed[1].value == data
    assert mixed[0] is mixed[1].value


def test_nested_names(tasks: ModuleType) -> None:
    values = [tasks.Task.Part.Piece, tasks.Task.Part, tasks.Task.method, tasks.Task.Part.Piece.method]
    assert round_trip(values) == values
    assert all(new is old for new, old in zip(round_trip(values), values, strict=True))
    piece = round_trip(tasks.Task.Part.Piece("text"))
    assert type(piece) is tasks.Task.Part.Piece
    assert piece.method() == "text!"
    assert round_trip(tasks.Task("bound").method)() == "bound"
    assert round_trip(tasks.Task.build)().value == "built"
    assert dump_renamed_pickle(tasks.Task.Part.Piece, rename)[1] == {"builtins", "local_tasks"}


def test_functions_partials_and_enums(tasks: ModuleType) -> None:
    assert round_trip(tasks.function) is tasks.function
    partial = round_trip(functools.partial(tasks.function, 5, b=2))
    assert isinstance(partial, functools.partial)
    assert partial() == 3
    assert round_trip(tasks.Color.RED) is tasks.Color.RED
    assert round_trip({tasks.Task: [len, int, Path("a")]}) == {tasks.Task: [len, int, Path("a")]}


def test_a_function_that_is_watched_elsewhere_is_the_one_of_its_name(tasks: ModuleType) -> None:
    # As autologging does it: there is a wrapper where the function is imported from, not where it is defined.
    @functools.wraps(tasks.function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("this is of the launcher")

    @functools.wraps(watched)
    def watched_twice(*args: Any) -> Any:
        raise AssertionError("this, too")

    for value in (watched, watched_twice):
        assert round_trip(value) is tasks.function
        assert dump_renamed_pickle([value], rename)[1] == {"builtins", "importlib", "local_tasks"}
    assert round_trip(functools.partial(watched, 5, b=2))() == 3


def test_a_function_that_calls_another_of_its_name_is_itself(tasks: ModuleType) -> None:
    @functools.wraps(tasks.outer)
    def other() -> int:
        return 7

    other.__wrapped__ = tasks.function  # type: ignore[attr-defined]
    with pytest.raises(pickle.PicklingError, match=r"not the same object as local_tasks\.outer"):
        pickle.dumps(other)
    assert round_trip(other)() == 7


def test_names_need_not_be_ascii(tasks: ModuleType) -> None:
    content, modules = dump_renamed_pickle([tasks.Größe("tief"), tasks.größer, "größer"], rename)
    assert "cRoot__0.local_tasks\nGröße\n".encode() in content
    assert modules == {"local_tasks"}
    value, function, text = load_pickle(content, restore)
    assert type(value) is tasks.Größe
    assert value.value == "tief"
    assert function is tasks.größer
    assert text == "größer"
    new = dump_renamed_pickle(tasks.Task(), lambda module: f"Wurzel_Ä.{module}")[0]
    assert "cWurzel_Ä.local_tasks\nTask\n".encode() in new


def test_arrays_frames_and_models() -> None:
    array = np.arange(12.0).reshape(3, 4)
    frame = pd.DataFrame({"tg": ["tg", "local_tasks", None], "x": [1.5, 2.5, np.nan]}, index=["a", "b", "tg.common"])
    frame["when"] = pd.to_datetime(["2022-12-20", "2022-12-21", None])
    frame["kind"] = pd.Categorical(["tg", "b", "tg"])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(array, [0, 1, 1])
    new_array, new_frame, new_model, splitter = round_trip([array, frame, model, FoldSplitter(3)])
    np.testing.assert_array_equal(new_array, array)
    pd.testing.assert_frame_equal(new_frame, frame)
    np.testing.assert_array_equal(new_model.predict_proba(array), model.predict_proba(array))
    assert new_model.get_params()["logisticregression__C"] == 0.5
    assert type(splitter) is FoldSplitter
    _, modules = dump_renamed_pickle(model, rename)
    assert {"sklearn.pipeline", "sklearn.preprocessing._data", "sklearn.linear_model._logistic"} <= modules


def test_large_data_are_not_searched_for_names() -> None:
    data = b"ctg\nx\n" * 2_000_000
    content, modules = dump_renamed_pickle({"data": data, "array": np.frombuffer(data, np.uint8)}, rename)
    loaded = load_pickle(content, restore)
    assert loaded["data"] == data
    assert loaded["array"].tobytes() == data
    assert not any(module.startswith(("tg", "local")) for module in modules)


def test_references_in_texts_are_reported_and_stay() -> None:
    content, modules = dump_renamed_pickle(
        ["local_tasks:Task", "a.b:C.d", "http://local", "12:30", "no reference", "x:"], rename
    )
    assert modules == {"local_tasks", "a.b"}
    assert load_pickle(content)[0] == "local_tasks:Task"


def test_modules_can_be_pickled(tasks: ModuleType) -> None:
    content, modules = dump_renamed_pickle([tasks, np], rename)
    assert modules == {"importlib", "local_tasks", "numpy"}
    assert b"Root__0.local_tasks" in content
    asked = []

    def find(module: str, name: str) -> str:
        asked.append((module, name))
        return restore(module, name)

    assert load_pickle(content, find) == [tasks, np]
    assert asked == [("Root__0.local_tasks", ""), ("numpy", "")]


def test_modules_that_cloudpickle_names_are_found_too(tasks: ModuleType) -> None:
    buffer = io.BytesIO()
    dump_pickle(tasks, buffer)  # a module can only be pickled by cloudpickle
    content = buffer.getvalue().replace(b"local_tasks", b"other_tasks")
    with pytest.raises(ModuleNotFoundError, match="No module named 'other_tasks'"):
        load_pickle(content)
    assert load_pickle(content, lambda module, name: module.replace("other", "local")) is tasks


def test_what_is_wanted_from_a_module_is_told_when_it_is_loaded(tasks: ModuleType) -> None:
    buffer = io.BytesIO()
    dump_pickle([tasks.Task.Part.Piece, tasks.function], buffer)
    asked = []

    def find(module: str, name: str) -> str:
        asked.append((module, name))
        return "builtins" if name == "function" else module

    with pytest.raises(AttributeError, match="function"):
        load_pickle(buffer.getvalue(), find)
    assert asked == [("local_tasks", "Task.Part.Piece"), ("local_tasks", "function")]


def test_pickles_are_read_from_bytes_files_and_paths(tmp_path: Path, tasks: ModuleType) -> None:
    path = tmp_path / "it.pkl"
    with path.open("wb") as file:
        dump_pickle(tasks.Task(7), file)
    assert load_pickle(path).value == 7
    assert load_pickle(path.read_bytes()).value == 7
    with path.open("rb") as file:
        assert load_pickle(file).value == 7
        assert not file.closed
    assert path.read_bytes()[:2] == bytes([0x80, pickle.DEFAULT_PROTOCOL])


def test_what_has_no_name_in_a_module_is_refused(tasks: ModuleType) -> None:
    for value, name in ((tasks.unnamed, "<lambda>"), (tasks.outer(), "outer.<locals>.Local")):
        with pytest.raises(pickle.PicklingError, match=f"{name} cannot be imported from local_tasks"):
            dump_renamed_pickle({"deep": [value]}, rename)
        assert not can_pickle(value)
    assert can_pickle(tasks.Task(tasks.function))


MAIN = """
import functools, sys
from pathlib import Path
import local_tasks
from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle, rename_prefix

FACTOR = 3

class Model(local_tasks.Task):
    class Inner:
        size = 2

    def compute(self, values):
        return [local_tasks.function(scale(value), 1) for value in values]

def scale(value):
    return value * FACTOR

value = [Model("mine"), scale, functools.partial(scale, 4), Model.Inner(), lambda: local_tasks.Task]
names = {"local_tasks": "Root__0.local_tasks"}
content, modules = dump_renamed_pickle(value, lambda module: rename_prefix(module, names))
Path(sys.argv[1]).write_bytes(content)
print(sorted(modules))
"""

ELSEWHERE = """
import sys
from pathlib import Path
from tg.common.delivery.delivery.package.pickling import load_pickle

sys.path.insert(0, sys.argv[2])
model, scale, partial, inner, function = load_pickle(Path(sys.argv[1]))
assert "local_tasks" not in sys.modules
print(model.compute([1, 2]), model.method(), scale(5), partial(), inner.size, function().__module__)
"""


@pytest.mark.starts_process
def test_what_a_notebook_defines_is_pickled_by_value(tmp_path: Path, tasks: ModuleType) -> None:
    script, content = tmp_path / "notebook.py", tmp_path / "it.pkl"
    script.write_text(MAIN)
    result = subprocess.run([sys.executable, script, content], capture_output=True, text=True, check=True)
    modules = result.stdout
    assert "'local_tasks'" in modules
    assert "'cloudpickle.cloudpickle'" in modules
    assert "__main__" not in modules
    # There the project's module is only found below the package's root.
    root = tmp_path / "package" / "Root__0"
    root.mkdir(parents=True)
    (root / "__init__.py").touch()
    (tmp_path / "local_tasks.py").rename(root / "local_tasks.py")
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, content, root.parent], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[2, 5] mine 15 12 2 Root__0.local_tasks\n"
