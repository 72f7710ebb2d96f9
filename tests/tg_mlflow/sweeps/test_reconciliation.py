"""What reconciling would do with each run, and that it does so."""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from mlflow import MlflowClient

from tests.tg_mlflow.takeover.conftest import executor
from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobRequest
from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process
from tg_mlflow.sweeps.reconciliation import foresee_runs, reconcile_runs
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.testing.memory_executor import MemoryExecutor
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching

__all__ = ["executor"]

NEVER = "its launcher had ended before it started a job"


@pytest.fixture
def client(store: MlflowClient, jobs: Path) -> TrackingClient:
    return TrackingClient(patience_seconds=0)


def create(client: TrackingClient, store: MlflowClient, launcher: dict[str, Any] | None = None, /, **tags: str) -> str:
    """Makes a run that was recorded on this machine, by a process that is gone unless ``launcher`` says otherwise."""
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    tags = {"tg.version": "0.1", "tg.place": "memory", "tg.state": "{}", **tags}
    run_id = str(store.create_run(experiment.experiment_id, tags=tags).info.run_id)
    with launching(client, run_id):
        pass
    if launcher is not None:
        own = json.loads(store.get_run(run_id).data.tags["tg.launcher"])
        store.set_tag(run_id, "tg.launcher", json.dumps({**own, **launcher}))
    return run_id


def start_job(executor: MemoryExecutor, job_id: str) -> None:
    executor.submit(JobRequest(job_id, cast(SagemakerConfig, None)))


def test_what_would_become_of_each_run_becomes_of_it(
    client: TrackingClient, store: MlflowClient, executor: MemoryExecutor
) -> None:
    start_job(executor, "going-on")
    living: dict[str, Any] = {**describe_process(os.getppid()), "marker": None}
    none = create(client, store)
    never = create(client, store, **{"tg.job_id": "never"})
    going_on = create(client, store, **{"tg.job_id": "going-on"})
    elsewhere = create(client, store, {"host": "tower"}, **{"tg.job_id": "elsewhere"})
    recorded = create(client, store, living, **{"tg.job_id": "recorded"})
    expected: dict[str, str] = {
        none: f"would be KILLED: {NEVER}",
        never: f"would be KILLED: {NEVER}",
        going_on: "left alone: its job is running",
        elsewhere: "left alone: there is no job 'elsewhere' in memory; check the id",
        recorded: f"left alone: run '{recorded}' is recorded by process {os.getppid()} now; wait for it, or stop it "
        f"with `tg-mlflow cancel {recorded}`",
    }
    before = {run_id: store.get_run(run_id).to_dictionary() for run_id in expected}
    assert foresee_runs(client) == expected
    assert {run_id: store.get_run(run_id).to_dictionary() for run_id in expected} == before
    assert reconcile_runs(client, resume_sweep) == {**expected, none: "KILLED", never: "KILLED"}


def test_a_job_that_has_ended_would_be_recorded(
    client: TrackingClient, store: MlflowClient, executor: MemoryExecutor
) -> None:
    start_job(executor, "ended")
    executor.cancel("ended")
    run_id = create(client, store, **{"tg.job_id": "ended"})
    assert foresee_runs(client) == {run_id: "would be recorded to its end: its job is stopped"}
    assert store.get_run(run_id).info.status == "RUNNING"
    assert reconcile_runs(client, resume_sweep) == {run_id: "KILLED"}
