import functools
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tg.common.delivery.delivery.package.unpicklable import describe_unpicklable

LOCK = threading.Lock()


def double(x: int) -> int:
    return 2 * x


def make_local_class() -> type:
    class Local:
        pass

    return Local


def make_local_function() -> Any:
    def local() -> None: ...

    return local


class Slotted:
    __slots__ = ("empty", "part")

    def __init__(self, part: Any) -> None:
        self.part = part


class Child(Slotted):
    __slots__ = "more"

    def __init__(self, part: Any) -> None:
        super().__init__(double)
        self.more = part


class Worker:
    def __init__(self) -> None:
        self.lock = LOCK

    def work(self) -> None: ...


class Hidden:
    def __init__(self) -> None:
        self.part = 1

    def __reduce__(self) -> Any:
        raise ValueError("not\nme")


class Loop:
    def __init__(self) -> None:
        self.me = self
        self.lock = LOCK


LAMBDA = "is a lambda, which cannot be pickled; write it as a function of a module"
LOCKED = "is a lock, which cannot be pickled (cannot pickle '_thread.lock' object); make it where it is used instead"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda x: x, f"job {LAMBDA}"),
        (SimpleNamespace(a=SimpleNamespace(b=lambda x: x)), f"job.a.b {LAMBDA}"),
        ([1, (2, lambda x: x)], f"job[1][1] {LAMBDA}"),
        ({"a": {3: lambda x: x}}, f"job['a'][3] {LAMBDA}"),
        ({lambda x: x: 1}, "job's key <function"),
        (functools.partial(double, lambda x: x), f"job.args[0] {LAMBDA}"),
        (functools.partial(double, x=lambda x: x), f"job.keywords['x'] {LAMBDA}"),
        (functools.partial(lambda x: x), f"job.func {LAMBDA}"),
        (LOCK, f"job {LOCKED}"),
        ({"locks": [LOCK]}, f"job['locks'][0] {LOCKED}"),
        (Slotted(LOCK), f"job.part {LOCKED}"),
        (Child(LOCK), f"job.more {LOCKED}"),
        (Worker().work, f"job.__self__.lock {LOCKED}"),
        (Loop(), f"job.lock {LOCKED}"),
        ([make_local_class()], "job[0] is 'make_local_class.<locals>.Local', defined inside a function; define it at"),
        (
            [make_local_class()()],
            "job[0] is of class 'make_local_class.<locals>.Local', defined inside a function; def",
        ),
        ([make_local_function()], "job[0] is 'make_local_function.<locals>.local', defined inside a function; define"),
        (Hidden(), "job is a Hidden, which cannot be pickled (not me); make it where it is used instead"),
        (
            (each for each in [1]),
            "job is a generator, which cannot be pickled (cannot pickle 'generator' object); make",
        ),
    ],
)
def test_the_part_is_named_by_its_path(value: Any, message: str) -> None:
    from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle

    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever pickling raises
        dump_renamed_pickle(value, lambda name: name)
    found = describe_unpicklable(value, "job", caught.value)
    assert found.startswith(message)
    assert "\n" not in found


def test_an_open_file_is_named(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file:
        found = describe_unpicklable({"out": file}, "job", ValueError("reason"))
    assert found == "job['out'] is a TextIOWrapper, which cannot be pickled (reason); make it where it is used instead"
