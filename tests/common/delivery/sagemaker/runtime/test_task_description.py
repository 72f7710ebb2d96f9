import dataclasses
import json
from collections import namedtuple
from typing import Any

import jsonpickle
import pydantic
import pytest

from tg.common.delivery.sagemaker.runtime.task_description import describe_task
from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.secrets import SecretMask

SECRET = "correct-horse"
Login = namedtuple("Login", ["user", "password"])


class Task(AbstractTrainingTask):
    def __init__(self, part: Any) -> None:
        super().__init__()
        self.part = part
        self.rate = 0.5

    def run_with_environment(self, data: Any, environment: Any) -> None: ...


class Settings(pydantic.BaseModel):
    user: str
    pat: pydantic.SecretStr


@dataclasses.dataclass
class Connection:
    host: str
    key: pydantic.SecretBytes


class Vault:
    """Has the method by which such types give their value away."""

    def __init__(self, value: str) -> None:
        self.inner = value

    def get_secret_value(self) -> str:
        return self.inner


class Secret:
    def __init__(self, value: str) -> None:
        self._value = value

    def __str__(self) -> str:
        return self._value


class Slotted:
    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key


@pytest.mark.parametrize(
    "part",
    [
        pydantic.SecretStr(SECRET),
        pydantic.SecretBytes(SECRET.encode()),
        pydantic.Secret[str](SECRET),
        Settings(user="ann", pat=SECRET),
        Connection("db", pydantic.SecretBytes(SECRET.encode())),
        [{"a": (pydantic.SecretStr(SECRET),)}],
        {pydantic.SecretStr(SECRET): 1},
        Vault(SECRET),
        Secret(SECRET),
        Slotted(pydantic.SecretStr(SECRET)),
        [pydantic.SecretStr(SECRET), f"Bearer {SECRET}"],
        Login("ann", SECRET),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_hides_its_value_is_not_written(part: Any) -> None:
    text = describe_task(Task(part), SecretMask())
    assert SECRET not in text
    assert "***" in text
    assert json.loads(text)["rate"] == 0.5


def test_a_short_secret_leaves_the_rest_readable() -> None:
    content = json.loads(describe_task(Task([pydantic.SecretStr("py"), "happy"]), SecretMask()))
    assert content["part"] == ["***", "happy"]


def test_without_secrets_it_is_what_jsonpickle_writes() -> None:
    task = Task([1, {"a": (2, Slotted(None))}, {3: "x"}])
    assert describe_task(task, SecretMask()) == jsonpickle.encode(task, keys=True)
