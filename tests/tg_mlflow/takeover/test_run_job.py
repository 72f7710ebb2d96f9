"""A run's job is found by the run's tags alone."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.run_job import check_is_ours, find_job

JOB = {"tg.place": "tg-process", "tg.job_id": "points-1"}


def make_run(**tags: Any) -> Run:
    return MemoryClient().create_run("7", tags=tags)


def test_the_options_of_its_place_reach_the_job(tmp_path: Path) -> None:
    tags = {"tg.place_options": '{"stop_grace_seconds": 5}', "tg.dataset": str(tmp_path), "tg.log": '{"model": false}'}
    found = find_job(make_run(**JOB, **tags))
    assert isinstance(found.executor, ProcessExecutor)
    assert found.executor.options == ProcessOptions(stop_grace_seconds=5)
    assert (found.job_id, found.dataset, found.log.model, found.log.figures) == ("points-1", tmp_path, False, True)


def test_a_dataset_that_is_not_here_is_none(tmp_path: Path) -> None:
    assert find_job(make_run(**JOB, **{"tg.dataset": str(tmp_path / "gone.csv")})).dataset is None


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "has no job: it was not started by a backend of tg-mlflow"),
        ({"tg.place": "tg-process"}, "has no job"),
        ({**JOB, "tg.sweep": "{}"}, "is a sweep; give the id of one of its trainings' runs"),
        ({**JOB, "tg.place": "tg-proces"}, "is from the place 'tg-proces', which is not installed here; .*tg-process"),
        ({**JOB, "tg.log": "{"}, "the tag tg.log of run .* is damaged: '{'; remove it"),
        ({**JOB, "tg.place_options": '{"soon": 1}'}, "the tag tg.place_options is damaged"),
    ],
)
def test_a_run_whose_job_cannot_be_found(tags: dict[str, str], message: str) -> None:
    with pytest.raises(RunNotOursError, match=message):
        find_job(make_run(**tags))


def test_a_run_of_ours_need_not_have_a_job() -> None:
    check_is_ours(make_run(**{"tg.version": "0.1"}))
    with pytest.raises(RunNotOursError, match="has no job"):
        check_is_ours(make_run())
