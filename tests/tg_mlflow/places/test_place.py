import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker.executor import Executor, PlaceOptions
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import find_place


@dataclass(frozen=True)
class QueueOptions(PlaceOptions):
    hosts: tuple[str, ...] = ()
    seconds: float = 1


class QueueConfig(JobConfig):
    place = "tg-queue"


class QueuePlace(Place):
    config_model = QueueConfig
    options_model = QueueOptions

    def build_options(self, config: QueueConfig, folder: Path) -> QueueOptions:
        return QueueOptions()

    def open(self, options: Any, is_shared: bool = False) -> Executor:
        raise NotImplementedError


def test_a_tuple_comes_back_from_json_as_one() -> None:
    options = QueueOptions(("first", "second"))
    text = json.dumps(QueuePlace().write_options(options))
    assert text == '{"hosts": ["first", "second"]}'
    assert QueuePlace().read_options(json.loads(text)) == options


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("tg-local", {"docker_host": 5}),
        ("tg-process", {"stop_grace_seconds": "soon"}),
        ("tg-process", {"soon": True}),
        ("tg-sagemaker", {"region": ["eu-central-1"]}),
    ],
)
def test_a_value_of_another_type_is_damaged(name: str, given: dict[str, Any]) -> None:
    message = f"place_options in the tag tg.state is damaged: {given!r}; correct it, or remove it for the defaults"
    with pytest.raises(RunNotOursError, match=re.escape(message)):
        find_place(name).read_options(given)
