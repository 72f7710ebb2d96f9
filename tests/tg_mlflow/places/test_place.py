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


def test_a_tuple_comes_back_from_the_tags_as_one() -> None:
    options = QueueOptions(("first", "second"))
    tags = QueuePlace().write_tags(options)
    assert tags == {"tg.place_options": '{"hosts": ["first", "second"]}'}
    assert QueuePlace().read_tags(tags) == options


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tg-local", '{"docker_host": 5}'),
        ("tg-process", '{"stop_grace_seconds": "soon"}'),
        ("tg-process", "null"),
        ("tg-sagemaker", '{"region": ["eu-central-1"]}'),
    ],
)
def test_a_tag_with_a_value_of_another_type_is_damaged(name: str, text: str) -> None:
    message = f"the tag tg.place_options is damaged: {text!r}; correct it, or remove it for the defaults"
    with pytest.raises(RunNotOursError, match=re.escape(message)):
        find_place(name).read_tags({"tg.place_options": text})
