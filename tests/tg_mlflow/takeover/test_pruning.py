"""What trainings have left on a machine is listed and removed."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from tests.tg_mlflow.takeover.test_deleted_run import start_job
from tg_mlflow.cli.main import main
from tg_mlflow.testing.memory_executor import MemoryExecutor
from tg_mlflow.tracking.client import TrackingClient

DAY = 24 * 3600


@pytest.fixture
def client(store: MlflowClient, jobs: Path) -> TrackingClient:
    return TrackingClient(store.tracking_uri, patience_seconds=0)


def say(*words: str) -> list[str]:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def age(folder: Path, days: float) -> None:
    moment = time.time() - days * DAY - 60
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (moment, moment))


def test_a_job_that_goes_on_stays_however_old_it_is(
    client: TrackingClient, executor: MemoryExecutor, jobs: Path
) -> None:
    job = start_job(client, executor)
    age(jobs / "job", 40)
    assert say("jobs", "list") == [f"job  0 MB  40 days old  run {job.run_id}  (it goes on)"]
    assert say("jobs", "prune") == ["job stays: it goes on", "0 jobs removed"]
    executor.kill("job")
    age(jobs / "job", 40)
    assert say("jobs", "prune", "--dry-run") == [f"job  0 MB  40 days old  run {job.run_id}", "1 job would be removed"]
    assert [path.name for path in jobs.iterdir()] == ["job"]
    assert say("jobs", "prune", "--older-than", "41") == ["0 jobs removed"]
    assert say("jobs", "prune") == [f"job  0 MB  40 days old  run {job.run_id}", "1 job removed"]
    assert list(jobs.iterdir()) == []
    assert say("jobs", "list") == [f"nothing is kept in {jobs}"]


def test_what_is_not_known_to_be_a_jobs_stays(client: TrackingClient, jobs: Path) -> None:
    (jobs / "another").mkdir(parents=True)
    assert say("jobs", "prune", "--older-than", "0") == ["0 jobs removed"]
    assert (jobs / "another").is_dir()


def test_checkpoints_of_jobs_that_are_gone_are_listed_and_removed(client: TrackingClient, jobs: Path) -> None:
    kept = jobs.parent / "jobs-checkpoints"
    for name, days in (("new", 1), ("old", 40)):
        (kept / name / "tg-mlflow").mkdir(parents=True)
        (kept / name / "tg-mlflow" / "000001.pkl").write_bytes(bytes(3_000_000))
        age(kept / name, days)
    old = "old  3 MB  40 days old  only checkpoints"
    assert say("jobs", "list") == ["new  3 MB  1 day old  only checkpoints", old]
    assert say("jobs", "prune", "--dry-run") == [
        old, "0 jobs would be removed", "1 folder of checkpoints would be removed"
    ]  # fmt: skip
    assert say("jobs", "prune") == [old, "0 jobs removed", "1 folder of checkpoints removed"]
    assert [path.name for path in kept.iterdir()] == ["new"]
