"""What killed launchers have left and nobody needs is removed."""

import os
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.tg_mlflow.takeover.test_deleted_run import delete_for_good, start_job
from tg.common import ContainerError
from tg_mlflow.takeover.tidying import tidy
from tg_mlflow.testing.memory_executor import MemoryExecutor
from tg_mlflow.tracking.client import TrackingClient

pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture
def client(store: MlflowClient, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingClient:
    def connect() -> None:
        raise ContainerError("there is no Docker here")

    monkeypatch.setattr("tg_mlflow.takeover.tidying.connect", connect)
    return TrackingClient(store.tracking_uri, patience_seconds=0)


def test_a_recorded_jobs_folder_is_removed(client: TrackingClient, executor: MemoryExecutor, jobs: Path) -> None:
    job = start_job(client, executor)
    assert tidy(client) == {}  # it goes on
    executor.kill("job")
    assert tidy(client) == {}  # its run is RUNNING
    client.set_terminated(job.run_id, "FAILED")
    client.set_tag(job.run_id, "tg.not_uploaded", "no room")
    assert tidy(client) == {}  # its results are not in the run yet
    client.delete_tag(job.run_id, "tg.not_uploaded")
    (jobs / "another").mkdir()  # of which nothing is known
    assert tidy(client) == {"recorded jobs": 1}
    assert [path.name for path in jobs.iterdir()] == ["another"]


def test_a_job_that_goes_on_is_not_removed(
    store: MlflowClient, client: TrackingClient, executor: MemoryExecutor, jobs: Path
) -> None:
    job = start_job(client, executor)
    client.set_terminated(job.run_id, "KILLED")
    assert tidy(client) == {}
    delete_for_good(store, job.run_id)
    assert tidy(client) == {}
    executor.kill("job")
    assert tidy(client) == {"recorded jobs": 1}
    assert list(jobs.iterdir()) == []


def test_what_was_deleted_and_can_be_restored_stays(
    store: MlflowClient, client: TrackingClient, executor: MemoryExecutor, jobs: Path
) -> None:
    job = start_job(client, executor)
    executor.kill("job")
    client.set_terminated(job.run_id, "KILLED")
    store.delete_run(job.run_id)
    assert tidy(client) == {}
    assert [path.name for path in jobs.iterdir()] == ["job"]


def test_temporary_folders_are_counted(client: TrackingClient, temporary: Path) -> None:
    (temporary / "tg-mlflow-tmp-left").mkdir()
    os.utime(temporary / "tg-mlflow-tmp-left", (1, 1))
    assert tidy(client) == {"temporary folders": 1}
