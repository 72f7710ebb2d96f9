"""Trainings that are killed and resumed: their last run is that of a training that was never interrupted."""

import random
import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from tests.integration.resumable import CONFIG, expect_history, go_on, last_run, read_history, write_project
from tests.support import ProjectFolder

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs")]

KILLS = 10


@pytest.fixture
def walk(project: ProjectFolder) -> ProjectFolder:
    write_project(project)
    return project


def train(project: ProjectFolder, place: str, end: str, **config: object) -> None:
    mlflow.projects.run(
        str(project.path), backend=place, parameters={"end": end}, backend_config={**CONFIG, **config},
        synchronous=False,
    ).wait()  # fmt: skip


def test_ten_kills_leave_the_history_of_a_training_that_was_never_killed(
    walk: ProjectFolder, store: MlflowClient, jobs: Path
) -> None:
    dice = random.Random(19)
    ends = [f"{step}:{dice.choice(['kill', 'checkpoint'])}" for step in sorted(dice.sample(range(5, 36), k=KILLS))]
    train(walk, "tg-process", ends[0])
    run = last_run(store)
    assert run.info.status == "FAILED"
    shutil.rmtree(walk.path)  # its package is enough
    for end in [*ends[1:], "none"]:
        before, run = run, go_on(store, run.info.run_id, end)
        assert run.info.status == ("FINISHED" if end == "none" else "FAILED"), end
        assert run.data.tags["tg.resumed_from"] == before.info.run_id
    assert read_history(store, run) == expect_history()
    assert int(run.data.tags["tg.resumed_from_step"]) >= 24
    assert "tg.differing_metrics" not in run.data.tags
    # What is no longer needed for its own run is kept until `jobs prune`: the last one has completed.
    assert len(list((jobs.parent / "jobs-checkpoints").iterdir())) == KILLS
    assert not any(jobs.iterdir())
