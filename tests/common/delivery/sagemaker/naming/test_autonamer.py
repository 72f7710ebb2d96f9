import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import jsonpickle
import numpy as np
import pytest

from tg.common import TaskDefinitionError
from tg.common.delivery.sagemaker import Autonamer
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Task(AbstractTrainingTask):
    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.arguments = arguments

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log("nothing to do")


class Kind(Enum):
    FAST = 1
    SLOW = 2


@dataclass
class Layer:
    width: int


def build(learning_rate: Any = 1, network_size: Any = (10, 10), context_length: int = 10) -> Task:
    return Task(learning_rate=learning_rate, network_size=network_size, context_length=context_length)


def names(**grid: Any) -> list[str]:
    return [task.info["name"] for task in Autonamer(Task).build_tasks(**grid)]


def test_names_are_those_of_the_source_document() -> None:
    tasks = Autonamer(build).build_tasks(learning_rate=[1, 2], network_size=[[10], [10, 5]])
    assert [task.info["name"] for task in tasks] == ["LR1-NS10", "LR1-NS10-5", "LR2-NS10", "LR2-NS10-5"]
    assert tasks[1].arguments == {"learning_rate": 1, "network_size": [10, 5], "context_length": 10}


def test_what_has_one_value_is_not_in_the_names() -> None:
    tasks = Autonamer(build, "deep", {"context_length": 3}).build_tasks(learning_rate=[0.5, 0.25], network_size=[[4]])
    assert [task.info["name"] for task in tasks] == ["deep-LR0.5", "deep-LR0.25"]
    assert tasks[1].arguments == {"learning_rate": 0.25, "network_size": [4], "context_length": 3}


def test_where_nothing_varies_there_is_a_name_still() -> None:
    assert names(x=[1]) == ["task"]
    assert [task.info["name"] for task in Autonamer(Task, "deep").build_tasks(x=[1])] == ["deep"]


def test_an_empty_grid_is_one_task() -> None:
    (task,) = Autonamer(Task, common_arguments={"depth": 2}).build_tasks()
    assert (task.info["name"], task.arguments) == ("task", {"depth": 2})


def test_all_parameters_are_recorded() -> None:
    values = {
        "layers": ([10, 5], (2,)),
        "kind": Kind.FAST,
        "share": np.float32(0.1),
        "count": np.int64(3),
        "large": 2**20_000,
        "sizes": np.array([[1, 2], [3, 4]]),
        "path": PurePosixPath("a/b.csv"),
        "weights": {0: 0.5, "one": None},
        "keys": {1: "a", "1": "b"},
        "limit": float("inf"),
        "classes": {"b", "a"},
        "model": Layer,
        "object": object(),
        "is_deep": True,
    }
    (task,) = Autonamer(Task, common_arguments=values).build_tasks(layer=[Layer(3)])
    recorded = {
        "layers": [[10, 5], [2]],
        "kind": "FAST",
        "share": 0.1,
        "count": 3,
        "large": "0x1" + "0" * 5000,
        "sizes": [[1, 2], [3, 4]],
        "path": "a/b.csv",
        "weights": {"0": 0.5, "one": None},
        "keys": [["1", "a"], ["1", "b"]],
        "limit": "inf",
        "classes": ["a", "b"],
        "model": f"{__name__}.Layer",
        "object": "<object object>",
        "is_deep": True,
        "layer": "Layer(width=3)",
    }
    assert task.info == {"name": "task", "sweep_parameters": recorded}
    assert pickle.loads(pickle.dumps(task.info)) == task.info
    assert jsonpickle.decode(jsonpickle.encode(task.info, keys=True), keys=True) == task.info
    assert json.loads(json.dumps(recorded, allow_nan=False)) == recorded


def test_what_is_recorded_is_not_what_the_task_changes() -> None:
    def build_and_change(sizes: list[int]) -> SimpleNamespace:
        sizes.append(1)
        return SimpleNamespace(info={"seen": True})

    (task,) = Autonamer(build_and_change).build_tasks(sizes=[[10]])
    assert task.info == {"seen": True, "name": "task", "sweep_parameters": {"sizes": [10]}}


def numbers() -> Iterator[int]:
    yield from (3, 1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(2), ["X0", "X1"]),
        (numbers(), ["X3", "X1"]),
        ((True, False), ["X=True", "X=False"]),
        (np.linspace(0.1, 0.7, 3), ["X0.1", "X0.4", "X0.7"]),
        (np.array([[1, 2], [3, 4]]), ["X1-2", "X3-4"]),
        ({10, 9}, ["X9", "X10"]),
        ({"b", "a", 1}, ["X=a", "X=b", "X1"]),
        (Kind, ["X=FAST", "X=SLOW"]),
    ],
)
def test_values_come_in_any_iterable(values: Any, expected: list[str]) -> None:
    assert names(x=values) == expected


@pytest.mark.parametrize("values", [[], "text", b"text", 3, None, {"a": 1}, np.array(3), iter(())])
def test_values_are_refused_that_are_no_list(values: Any) -> None:
    with pytest.raises(TaskDefinitionError, match=r"^sweep parameter 'x' has the values .*; give a non-empty list$"):
        Autonamer(Task).build_tasks(x=values)


@pytest.mark.parametrize(
    ("values", "shown"), [([1, 2, 1], "1"), ([0.5, np.float64(0.5)], "0.5"), ([[1], [1]], r"\[1\]")]
)
def test_a_value_is_given_once(values: Any, shown: str) -> None:
    with pytest.raises(
        TaskDefinitionError, match=f"^sweep parameter 'x' has the value .*{shown}.* twice; give it once$"
    ):
        Autonamer(Task).build_tasks(x=values)


def test_a_value_without_a_lasting_name_is_refused_only_if_it_varies() -> None:
    assert names(x=[lambda: 1], y=[1, 2]) == ["Y1", "Y2"]
    with pytest.raises(
        TaskDefinitionError, match=r"^sweep parameter 'x': a swept value is .*<lambda>@.*, which cannot be"
    ):
        Autonamer(Task).build_tasks(x=[lambda: 1, lambda: 2])


def test_a_parameter_is_not_both_common_and_swept() -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"^sweep parameter 'x' is also a common argument; remove it from one$"
    ):
        Autonamer(Task, common_arguments={"x": 1}).build_tasks(x=[1])


def test_what_is_built_can_be_named() -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"^the build method returned a dict, whose info is None; return a task"
    ):
        Autonamer(dict).build_tasks(x=[1, 2])


SWEEP = """
from types import SimpleNamespace
from tg.common.delivery.sagemaker import Autonamer
tasks = Autonamer(lambda **_: SimpleNamespace(info={})).build_tasks(
    tags={"b", "a"}, groups=[{"z", "y", "x"}, {"x", "long" * 30}], texts=["a b", "a_b"], kinds=[int, str]
)
print([task.info for task in tasks])
"""


@pytest.mark.starts_process
def test_names_are_the_same_in_every_process() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", SWEEP],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].startswith("""[{'name': "Ta=a-G=x,y,z-Te='a b'-K=int", """)
