"""A place whose jobs are in memory."""

from pathlib import Path
from typing import Any

import pytest

from tests.tg_mlflow.memory_jobs import make_executor
from tg.common.delivery.sagemaker import Executor
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.place import Place
from tg_mlflow.testing.memory_executor import Line, MemoryExecutor, MemoryOptions


class MemoryConfig(PlaceConfig):
    """The place has no keys of its own."""

    place = "memory"


class MemoryPlace(Place):
    """Has one executor."""

    config_model = MemoryConfig
    options_model = MemoryOptions

    def __init__(self, executor: MemoryExecutor) -> None:
        self._executor = executor

    def build_options(self, config: Any, folder: Path) -> MemoryOptions:
        return MemoryOptions()

    def open(self, options: Any, is_shared: bool = False) -> Executor:
        return self._executor


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> MemoryExecutor:
    """The executor of the place ``memory``, whose jobs are endless and say one line with a secret."""
    executor = make_executor([Line(0, "hello tok-4f5e6d")])
    monkeypatch.setattr("tg_mlflow.takeover.run_job.list_places", lambda: {"memory": MemoryPlace(executor)})
    monkeypatch.setenv("HUB_TOKEN", "tok-4f5e6d")
    return executor
