import functools
import traceback
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, Field, SecretStr

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.modules import project_modules
from tg_mlflow.project.task_factory import build_task, convert_arguments
from tg_mlflow.project.train_command import TrainCommand


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


def factory(
    number: int = 1,
    share: float = 0.5,
    flag: bool = False,
    text: str = "",
    sizes: list[int] | None = None,
    maybe: float | None = None,
    kind: Literal["a", "b"] = "a",
    colour: Colour = Colour.RED,
    options: dict[str, float] | None = None,
    anything: Any = None,
    plain_number=3,
    plain_text="x",
    plain_list=(),
    plain_sizes=[1],  # noqa: B006
) -> None: ...


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "10", 10),
        ("number", " 7 ", 7),
        ("share", "1e-3", 0.001),
        ("share", "1", 1.0),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", "1", True),
        ("text", "007", "007"),
        ("text", "None", "None"),
        ("sizes", "[10, 5]", [10, 5]),
        ("sizes", "None", None),
        ("maybe", "0.25", 0.25),
        ("maybe", "null", None),
        ("kind", "b", "b"),
        ("colour", "red", Colour.RED),
        ("options", '{"a": 1.5}', {"a": 1.5}),
        ("anything", "12", "12"),
        ("plain_number", "4", 4),
        ("plain_text", "4", "4"),
        ("plain_sizes", "[2, 3]", [2, 3]),
    ],
)
def test_texts_are_converted_by_annotation_or_default(name: str, text: str, value: Any) -> None:
    converted = convert_arguments(factory, {name: text}, "t:f")
    assert converted == {name: value}
    assert type(converted[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("number", "ten", "argument 'number' of factory t:f is 'ten', not of type int"),
        ("number", "1.5", "argument 'number' of factory t:f is '1.5', not of type int"),
        ("share", "", "argument 'share' of factory t:f is '', not of type float"),
        ("flag", "maybe", "argument 'flag' of factory t:f is 'maybe', not of type bool"),
        ("sizes", "[1, x]", "argument 'sizes' of factory t:f is '[1, x]', not of type list[int]"),
        ("kind", "c", "argument 'kind' of factory t:f is 'c'"),
        ("nmber", "1", "argument 'nmber' is unknown to factory t:f; did you mean 'number'?"),
    ],
)
def test_other_texts_are_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        convert_arguments(factory, {name: text}, "t:f")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_arguments_are_named() -> None:
    def needs(a: int, b: int, c: int = 0) -> None: ...

    with pytest.raises(ProjectError, match="factory t:f needs arguments that are not given: 'a', 'b'"):
        convert_arguments(needs, {}, "t:f")


def test_keyword_arguments_take_any_name_as_text() -> None:
    def takes(**options: Any) -> None: ...

    assert convert_arguments(takes, {"x": "1"}, "t:f") == {"x": "1"}


def test_annotations_may_be_texts() -> None:
    namespace: dict[str, Any] = {}
    exec("from __future__ import annotations\ndef build(n: int | None = None, m: Unknown = 0): ...", namespace)
    assert convert_arguments(namespace["build"], {"m": "5"}, "t:f") == {"m": 5}


def test_an_annotation_that_cannot_be_resolved_hides_no_other() -> None:
    namespace: dict[str, Any] = {}
    exec("from __future__ import annotations\ndef build(a: str | float, b: Unknown, c: b | d = 1): ...", namespace)
    converted = convert_arguments(namespace["build"], {"a": "0.5", "b": "x", "c": "2"}, "t:f")
    assert converted == {"a": 0.5, "b": "x", "c": 2}


def test_what_a_default_value_is_tells_the_type_and_none_may_be_given() -> None:
    def build(
        a=(1, 2),
        b={1},  # noqa: B006
        c=Colour.RED,
        d=Path("x"),
        e=None,
        f: int = None,  # noqa: RUF013
        g: "dict[int, float] | str" = None,  # noqa: RUF013
    ) -> None: ...

    texts = {"a": "[3]", "b": "[3]", "c": "red", "d": "y", "e": "5", "f": "None", "g": "null"}
    assert convert_arguments(build, texts, "t:f") == {
        "a": (3,),
        "b": {3},
        "c": Colour.RED,
        "d": Path("y"),
        "e": "5",
        "f": None,
        "g": None,
    }


@pytest.mark.parametrize(
    ("default", "text", "expected"),
    [
        (Decimal("0.1"), "0.20", Decimal("0.20")),
        (np.int64(3), "4", np.int64(4)),
        (pd.Timestamp("2024-01-01"), "2024-02-01", pd.Timestamp("2024-02-01")),
        (Point(1, 2), '{"x": 3, "y": 4}', Point(3, 4)),
        (None, "None", None),
        (None, "5", "5"),
        (dict, "list", "list"),
        (range(3), "4", "4"),
    ],
)
def test_a_default_value_alone_tells_any_type_that_can_be_read(default: Any, text: str, expected: Any) -> None:
    def build(value=default): ...

    value = convert_arguments(build, {"value": text}, "t:f")["value"]
    assert value == expected
    assert type(value) is type(expected)


def test_a_default_value_of_another_type_may_be_given_as_it_is_printed() -> None:
    def build(share: float = "auto", depth: int = 0.5, kind: Literal["a"] = "b"): ...  # type: ignore[assignment]

    texts = {"share": "auto", "depth": "0.5", "kind": "b"}
    assert convert_arguments(build, texts, "t:f") == {"share": "auto", "depth": 0.5, "kind": "b"}
    with pytest.raises(ProjectError, match=r"argument 'share' of factory t:f is 'sqrt', not of type float"):
        convert_arguments(build, {"share": "sqrt"}, "t:f")


def test_names_that_only_type_checkers_know_hide_no_other_member() -> None:
    namespace: dict[str, Any] = {}
    source = "def build(a: 'np_.ndarray | float', b: 'dict[str, Far[int]] | list[int]', c: 'Far | None' = None): ..."
    exec(source, namespace)
    converted = convert_arguments(namespace["build"], {"a": "0.5", "b": "[1]", "c": "None"}, "t:f")
    assert converted == {"a": 0.5, "b": [1], "c": None}


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(ProjectError) as caught:
        convert_arguments(factory, {"number": "x" * 5000}, "t:f")
    assert len(str(caught.value)) < 600


def test_further_keyword_arguments_are_of_the_type_that_is_annotated() -> None:
    def build(*, first: int, **rest: "float | str") -> None: ...

    converted = convert_arguments(build, {"first": "1", "share": "0.5", "kind": "log2"}, "t:f")
    assert converted == {"first": 1, "share": 0.5, "kind": "log2"}


def test_whatever_can_be_called_is_a_factory() -> None:
    class Builder:
        def __init__(self, rate: "str | float") -> None: ...

        def __call__(self, size: "int | None") -> None: ...

        @classmethod
        def make(cls, flag: bool) -> None: ...

    assert convert_arguments(Builder, {"rate": "0.5"}, "t:f") == {"rate": 0.5}
    assert convert_arguments(Builder("x"), {"size": "5"}, "t:f") == {"size": 5}
    assert convert_arguments(Builder.make, {"flag": "true"}, "t:f") == {"flag": True}
    assert convert_arguments(functools.partial(factory, number=1), {"share": "1"}, "t:f") == {"share": 1.0}


@dataclass
class Login:
    key: SecretStr
    size: int = 1


class Settings(BaseModel):
    logins: list[Login]


@pytest.mark.parametrize("wanted", [Login, list[Login], dict[str, Login] | None, Settings, list[Settings]])
@pytest.mark.parametrize("text", ['{"key": "hunter2", "size": "x"}', "hunter2", '{"kee": "hunter2"}'])
def test_what_has_a_secret_in_it_is_not_in_the_message_that_refuses_it(wanted: Any, text: str) -> None:
    def build(login): ...

    build.__annotations__["login"] = wanted
    with pytest.raises(ProjectError, match=r"^argument 'login' of factory t:f is \*\*\*, not of type") as caught:
        convert_arguments(build, {"login": text}, "t:f")
    assert "hunter" not in "".join(traceback.format_exception(caught.value))


def test_a_secret_is_not_in_the_message_that_refuses_it() -> None:
    def build(key: Annotated[SecretStr, Field(min_length=20)], other: SecretStr | None = None) -> None: ...

    assert convert_arguments(build, {"key": "k" * 20, "other": "123"}, "t:f")["other"] == SecretStr("123")
    with pytest.raises(ProjectError) as caught:
        convert_arguments(build, {"key": "hunter" + "2"}, "t:f")
    shown = "".join(traceback.format_exception(caught.value))
    assert "argument 'key' of factory t:f is ***, not of type SecretStr\n" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("", "nothing:build", "module 'nothing' of factory nothing:build is not in the project"),
        (
            "def build_task(): ...",
            "tasks:build_tsk",
            "'build_tsk' is not in module 'tasks'; did you mean 'build_task'?",
        ),
        ("build = 3", "tasks:build", "factory tasks:build is 3 of type int, which cannot be called; name a function"),
        ("def build(): return 'a task'", "tasks:build", "returned 'a task' of type str, which is not a training task"),
        ("def build(): ...", "tasks:build", "returned None of type NoneType, which is not a training task"),
    ],
)
def test_a_factory_that_makes_no_task_is_refused(tmp_path: Path, source: str, target: str, message: str) -> None:
    (tmp_path / "tasks.py").write_text(source, encoding="utf-8")
    module, _, name = target.partition(":")
    with pytest.raises(ProjectError) as caught, project_modules(tmp_path):
        build_task(TrainCommand(module, name, {}))
    assert message in str(caught.value)


def test_a_missing_library_is_not_taken_for_a_missing_module(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("import no_such_library", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"), project_modules(tmp_path):
        build_task(TrainCommand("tasks", "build", {}))


@pytest.mark.parametrize(
    ("files", "module", "message"),
    [
        ({"yaml.py": "def build(): ..."}, "yaml", "yaml.py' hides 'yaml', which is installed as "),
        ({"wave.py": "def build(): ..."}, "wave", "wave.py' hides 'wave', which is in the standard library; rename it"),
        (
            {"tasks.py": "from wave import mine", "wave.py": "mine = 1"},
            "tasks",
            "wave.py' hides 'wave', which is in the standard library; rename it",
        ),
        (
            {"tasks.py": "from yaml.mine import x", "yaml/__init__.py": "", "yaml/mine.py": "x = 1"},
            "tasks",
            "yaml/__init__.py' hides 'yaml', which is installed as ",
        ),
        ({"tg.py": "def build(): ..."}, "tg", "tg.py' hides 'tg', which is tg-mlflow's own package; rename it"),
        (
            {"tasks.py": "from tg.mine import x", "tg/__init__.py": "", "tg/mine.py": "x = 1"},
            "tasks",
            "tg/__init__.py' hides 'tg', which is tg-mlflow's own package; rename it",
        ),
        (
            {"tasks.py": "from tg_mlflow import mine", "tg_mlflow.py": "mine = 1"},
            "tasks",
            "tg_mlflow.py' hides 'tg_mlflow', which is tg-mlflow's own package; rename it",
        ),
    ],
)
def test_a_module_that_an_installed_one_is_imported_for_is_named(
    tmp_path: Path, files: dict[str, str], module: str, message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as caught, project_modules(tmp_path):
        build_task(TrainCommand(module, "build", {}))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
