"""What the results take is prepared for trainings on one table only, and as far as it will be logged."""

import importlib
from types import SimpleNamespace

import pytest

from tests.tg_mlflow.results.ended_job import build_task
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.places.config import LogConfig
from tg_mlflow.results.preparation import Preparation

FIGURES, MODEL = "tg_mlflow.results.figures", "tg_mlflow.results.model_files"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that are imported, and ``checker`` for the start of the process that checks models."""
    prepared: list[str] = []
    checker = SimpleNamespace(start=lambda: prepared.append("checker"))
    monkeypatch.setattr("tg_mlflow.results.model_check.find_checker", lambda: checker)
    monkeypatch.setattr(importlib, "import_module", prepared.append)
    return prepared


def prepare(task: object, **log: bool) -> None:
    preparation = Preparation(task, LogConfig(**log))
    preparation.start()
    preparation.wait()


def test_what_takes_long_is_prepared(prepared: list[str]) -> None:
    prepare(build_task())
    assert prepared[0] == "checker"  # in parallel with the rest
    assert {FIGURES, MODEL} <= set(prepared)


def test_what_is_not_logged_is_not_prepared(prepared: list[str]) -> None:
    prepare(build_task(), figures=False, check_model=False)
    assert MODEL in prepared
    assert not {"checker", FIGURES} & set(prepared)


def test_other_tasks_have_nothing_to_prepare(prepared: list[str]) -> None:
    class Other(AbstractTrainingTask):
        def run_with_environment(self, data: object, environment: object) -> None:
            pass

    prepare(Other())
    assert prepared == []


def test_what_cannot_be_prepared_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(f"no module {name}")

    monkeypatch.setattr(importlib, "import_module", fail)
    prepare(build_task(), check_model=False)


def test_the_rest_is_left_when_it_is_stopped(prepared: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = Preparation(build_task(), LogConfig())

    def import_one(name: str) -> None:
        prepared.append(name)
        preparation._is_stopped.set()

    monkeypatch.setattr(importlib, "import_module", import_one)
    preparation.start()
    preparation.wait()
    assert prepared == ["checker", "tg_mlflow.results.dataset"]
