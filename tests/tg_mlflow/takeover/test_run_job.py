"""A run's job is found by the run's tags alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions
from tg.common.secrets import SecretMask
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.takeover.run_job import check_is_ours, find_job
from tg_mlflow.tracking.state import RunState, format_state

JOB = {"tg.place": "tg-process", "tg.job_id": "points-1", "tg.state": "{}"}


def make_run(**tags: Any) -> Run:
    return MemoryClient().create_run("7", tags=tags)


def test_the_options_of_its_place_reach_the_job(tmp_path: Path) -> None:
    state = {
        "place_options": {"stop_grace_seconds": 5},
        "dataset": str(tmp_path),
        "config": {"log": {"model": False}, "metric_regexes": {"loss": "loss=(.*)"}},
    }
    found = find_job(make_run(**{**JOB, "tg.state": json.dumps(state)}))
    assert isinstance(found.executor, ProcessExecutor)
    assert found.executor.options == ProcessOptions(stop_grace_seconds=5)
    assert (found.job_id, found.dataset, found.log.model, found.log.figures) == ("points-1", tmp_path, False, True)
    assert found.metric_regexes == {"loss": "loss=(.*)"}


def test_what_is_longer_than_a_tag_reaches_the_job() -> None:
    regexes = {f"loss_{number}": f"loss {number}=(.*)" for number in range(500)}
    tags = format_state(RunState(config={"metric_regexes": regexes}), SecretMask())
    assert len(tags) > 2
    assert find_job(make_run(**{**JOB, **tags})).metric_regexes == regexes


def test_a_dataset_that_is_not_here_is_none(tmp_path: Path) -> None:
    state = json.dumps({"dataset": str(tmp_path / "gone.csv")})
    assert find_job(make_run(**{**JOB, "tg.state": state})).dataset is None


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "has no job: it was not started by a backend of tg-mlflow"),
        ({"tg.place": "tg-process"}, "has no job"),
        ({**JOB, "tg.sweep": "{}"}, "is a sweep; give the id of one of its trainings' runs"),
        ({**JOB, "tg.place": "tg-proces"}, "is from the place 'tg-proces', which is not installed here; .*tg-process"),
        ({**JOB, "tg.state": "{"}, r"the tag tg\.state of run .* is damaged \(.*\): '{'; correct it"),
        ({"tg.place": "tg-process", "tg.job_id": "points-1"}, r"has no tag tg\.state: it is of an earlier version"),
        (
            {**JOB, "tg.state": '{"config": {"log": {"soon": 1}}}'},
            r"config\.log in the tag tg\.state of run .* is damaged: {'soon': 1}; remove it to have everything logged",
        ),
        (
            {**JOB, "tg.state": '{"config": {"log": null}}'},
            r"config\.log in the tag tg\.state of run .* is damaged: None; remove it to have everything logged",
        ),
        (
            {**JOB, "tg.state": '{"config": {"metric_regexes": {"loss": "("}}}'},
            r"config\.metric_regexes in the tag tg\.state of run .* is damaged: .*; remove it to record without it",
        ),
        (
            {**JOB, "tg.state": '{"config": {"metric_regexes": 5}}'},
            r"config\.metric_regexes in the tag tg\.state of run .* is damaged: 5; remove it to record without it",
        ),
        (
            {**JOB, "tg.state": '{"place_options": {"soon": 1}}'},
            r"place_options in the tag tg\.state is damaged: {'soon': 1}; correct it, or remove it for the defaults",
        ),
    ],
)
def test_a_run_whose_job_cannot_be_found(tags: dict[str, str], message: str) -> None:
    with pytest.raises(RunNotOursError, match=message):
        find_job(make_run(**tags))


def test_a_run_of_ours_need_not_have_a_job() -> None:
    check_is_ours(make_run(**{"tg.version": "0.1"}))
    with pytest.raises(RunNotOursError, match="has no job"):
        check_is_ours(make_run())
