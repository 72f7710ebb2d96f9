"""A run that was deleted records nothing; its job can be removed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from mlflow import MlflowClient

from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobRequest
from tg_mlflow.errors import RunDeletedError, RunNotOursError
from tg_mlflow.sweeps.reconciliation import reconcile_runs
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.takeover.attach import attach
from tg_mlflow.takeover.cancellation import cancel
from tg_mlflow.testing.memory_executor import MemoryExecutor
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching
from tg_mlflow.tracking.search import read_run
from tg_mlflow.training.job import Job
from tg_mlflow.training.kept_run import KeptRun, keep_run, list_kept_runs

TAGS = {"tg.place": "memory", "tg.job_id": "job", "tg.state": "{}", "tg.version": "0.1.0"}


def delete_run(store: MlflowClient, run_id: str) -> None:
    store.delete_run(run_id)


def delete_experiment(store: MlflowClient, run_id: str) -> None:
    store.delete_experiment(store.get_run(run_id).info.experiment_id)


def delete_for_good(store: MlflowClient, run_id: str) -> None:
    store.delete_run(run_id)
    store._tracking_client.store._hard_delete_run(run_id)  # as `mlflow gc` does


@pytest.fixture
def client(store: MlflowClient, jobs: Path) -> TrackingClient:
    return TrackingClient(store.tracking_uri, patience_seconds=0)


def make_package() -> Path:
    """Writes a file that stands for a package, beside the jobs."""
    path = Path(os.environ["TG_JOBS_PATH"]).with_name("points-0.tar.gz")
    path.write_bytes(b"package")
    return path


def start_job(client: TrackingClient, executor: MemoryExecutor) -> Job:
    """Starts an endless job; its launcher is gone."""
    run_id = client.create_run(client.get_experiment_by_name("test").experiment_id, tags=TAGS).info.run_id
    with launching(client, run_id):
        executor.submit(JobRequest("job", cast(SagemakerConfig, None)))
        keep_run(client.tracking_uri, job := Job(run_id, executor, "job"), TAGS, make_package())
    return job


@pytest.mark.parametrize("delete", [delete_run, delete_experiment])
def test_whoever_looks_after_a_deleted_run_is_told_so(
    store: MlflowClient,
    client: TrackingClient,
    executor: MemoryExecutor,
    delete: Callable[[MlflowClient, str], None],
) -> None:
    run_id = start_job(client, executor).run_id
    delete(store, run_id)
    message = (
        f"run '{run_id}' is deleted; restore it, as with `mlflow runs restore --run-id {run_id}`, or end its job and "
        f"remove what that has left with `tg-mlflow cancel {run_id}`"
    )
    for look in (lambda: attach(client, run_id), lambda: read_run(client, run_id)):
        with pytest.raises(RunDeletedError) as caught:
            look()
        assert str(caught.value) == message
    assert reconcile_runs(client, resume_sweep) == {}
    assert executor.status("job").status.value == "running"


@pytest.mark.parametrize("delete", [delete_run, delete_experiment, delete_for_good])
def test_cancel_stops_the_job_of_a_deleted_run_and_removes_it(
    store: MlflowClient,
    client: TrackingClient,
    executor: MemoryExecutor,
    jobs: Path,
    delete: Callable[[MlflowClient, str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id = start_job(client, executor).run_id
    delete(store, run_id)
    caplog.clear()
    cancel(client, run_id)
    assert caplog.messages == [f"Run {run_id} is deleted; job job has ended, and nothing of it is kept"]
    assert not executor.has_submitted("job")
    assert list(jobs.iterdir()) == []


def test_a_deleted_run_whose_job_is_gone(store: MlflowClient, client: TrackingClient, executor: MemoryExecutor) -> None:
    run_id = start_job(client, executor).run_id
    executor.discard("job")
    store.delete_run(run_id)
    cancel(client, run_id)
    store.restore_run(run_id)
    assert client.get_run(run_id).info.status == "RUNNING"
    cancel(client, run_id)
    assert client.get_run(run_id).info.status == "KILLED"


def test_a_run_that_nobody_knows(client: TrackingClient, executor: MemoryExecutor, jobs: Path) -> None:
    start_job(client, executor)
    with pytest.raises(RunNotOursError) as caught:
        cancel(client, "f0")
    assert str(caught.value) == (
        f"there is no run 'f0', and no job in {jobs} is of such a run; check the id and the tracking URI; of a run "
        "that was removed for good, use the machine that launched it, or stop the job at its place: its variable "
        "TG_RUN_ID names the run"
    )
    assert executor.status("job").status.value == "running"


@pytest.mark.parametrize("refusal", ["a file in the way", "a folder in the way of a file"])
def test_a_job_goes_on_where_the_disk_does_not_take_what_is_kept(
    client: TrackingClient, executor: MemoryExecutor, jobs: Path, refusal: str
) -> None:
    if refusal == "a file in the way":
        jobs.mkdir()
        (jobs / "job").touch()
    else:
        (jobs / "job" / "run.json" / "x").mkdir(parents=True)
    start_job(client, executor)
    assert executor.status("job").status.value == "running"
    assert list(list_kept_runs(client.tracking_uri)) == []


def test_what_a_job_keeps_of_its_run_has_no_secret(
    client: TrackingClient, executor: MemoryExecutor, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start_job(client, executor)
    (jobs / "damaged").mkdir()
    (jobs / "damaged" / "run.json").write_text("{")
    assert list(list_kept_runs(client.tracking_uri)) == [KeptRun("job", job.run_id, TAGS)]
    assert list(list_kept_runs("sqlite:///another.db")) == []
    shutil.rmtree(jobs / "job" / "run_package")
    keep_run("http://me:hunter2-hunter2@host", job, TAGS, make_package())
    assert "hunter2" not in (jobs / "job" / "run.json").read_text()


def test_a_run_that_is_cancelled_has_the_package_that_its_launcher_did_not_come_to_log(
    store: MlflowClient, client: TrackingClient, executor: MemoryExecutor
) -> None:
    run_id = start_job(client, executor).run_id
    cancel(client, run_id)
    run = client.get_run(run_id)
    assert run.info.status == "KILLED"
    assert Path(store.download_artifacts(run_id, "package/points-0.tar.gz")).read_bytes() == b"package"
    assert Path(store.download_artifacts(run_id, "logs/train.log")).read_bytes() == b"hello ***\n"
