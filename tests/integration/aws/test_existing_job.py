"""Jobs that others have created become runs; jobs are functions here, and need no Docker."""

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FAST, POINTS, Job, artifacts_of, points_of
from tests.integration.aws.support import BUCKET, build_request
from tests.launcher import attach
from tests.support import all_runs
from tests.unrun_task import Task
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions, SagemakerRemoteExecutor
from tg.common.secrets import SecretMask
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.sweeps.existing_job import create_job_run, record_job
from tg_mlflow.tracking.client import TrackingClient


@pytest.fixture
def executor(simulated_aws: AwsEmulator) -> SagemakerRemoteExecutor:
    packaging = Packaging("Task", "0", {})
    options = SagemakerOptions(
        None, BUCKET, "points", "datasets", "absent.parquet", hyperparameters={"solver.seed": "1"}
    )
    config = SagemakerConfig(SagemakerJob(Task()), packaging, Containering.from_packaging(packaging), options)
    return SagemakerRemoteExecutor(config, pacing=FAST)


@pytest.fixture
def client(store: MlflowClient) -> TrackingClient:
    return TrackingClient(store.tracking_uri, SecretMask.of_variables({"API_TOKEN": "s3cret-value"}))


@pytest.fixture
def parent(store: MlflowClient) -> Run:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    return store.create_run(experiment.experiment_id, tags={"mlflow.source.name": "the project"}, run_name="tuner")


@pytest.fixture
def create(simulated_aws: AwsEmulator) -> Callable[[str], None]:
    """Creates a job as somebody else does."""
    return lambda name: boto3.client("sagemaker").create_training_job(**build_request(simulated_aws, name))


def test_a_job_is_recorded_as_if_it_were_ours(
    executor: SagemakerRemoteExecutor,
    job: Job,
    client: TrackingClient,
    parent: Run,
    create: Callable[[str], None],
    simulated_aws: AwsEmulator,
) -> None:
    job.may_end.set()
    create("other-1")
    config = RemoteConfig(tags={"team": "a"})
    found = create_job_run(
        client,
        parent,
        executor.executor,
        "other-1",
        {"solver.rate:float": "s3cret-value"},
        config,
        executor.config.options,
    )
    result = record_job(client, found, {"solver.rate:float": 0.5})
    assert (result.name, result.status, result.failure) == ("other-1", "FINISHED", None)
    assert (result.run_id, result.parameters) == (found.run.info.run_id, {"solver.rate:float": 0.5})
    assert result.metrics["loss"] == POINTS[-1][1]
    run = client.get_run(found.run.info.run_id)
    assert (run.info.run_name, run.info.status) == ("other-1", "FINISHED")
    assert points_of(client, run) == POINTS
    assert run.data.params == {"solver.seed": "1", "solver.rate:float": "***"}
    assert artifacts_of(client, run) == {"logs", "package", "result", "task.json"}
    own = {"tg.place": "tg-sagemaker", "tg.job_id": "other-1", "tg.region": "eu-central-1", "team": "a"}
    assert own.items() <= run.data.tags.items()
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.tags["mlflow.source.name"] == "the project"
    assert json.loads(run.data.tags["tg.state"])["config"] == {"tags": {"team": "a"}}
    assert "dataset" not in json.loads(run.data.tags["tg.state"])


def test_a_job_that_fails_and_one_that_is_stopped(
    executor: SagemakerRemoteExecutor,
    job: Job,
    client: TrackingClient,
    parent: Run,
    create: Callable[[str], None],
    simulated_aws: AwsEmulator,
) -> None:
    job.exit_code = 1
    job.may_end.set()
    create("fails")
    options = executor.config.options
    found = create_job_run(client, parent, executor.executor, "fails", {}, RemoteConfig(), options)
    failed = record_job(client, found, {})
    assert (failed.status, failed.failure) == ("FAILED", "job fails has failed: AlgorithmError: , exit code: 1")
    job.may_end.clear()
    create("stops")
    found = create_job_run(client, parent, executor.executor, "stops", {}, RemoteConfig(), executor.config.options)
    simulated_aws.stop_job("stops")
    stopped = record_job(client, found, {})
    assert (stopped.status, stopped.failure) == ("KILLED", "job stops has stopped: it was stopped")
    statuses = {run.info.run_name: run.info.status for run in all_runs(client)}
    assert statuses == {"tuner": "RUNNING", "fails": "FAILED", "stops": "KILLED"}


def test_what_was_not_recorded_is_attached(
    executor: SagemakerRemoteExecutor,
    job: Job,
    client: TrackingClient,
    parent: Run,
    create: Callable[[str], None],
    tmp_path: Path,
) -> None:
    job.may_end.set()
    create("left")
    found = create_job_run(client, parent, executor.executor, "left", {}, RemoteConfig(), executor.config.options)
    done = attach(found.run.info.run_id, tmp_path)
    assert done.returncode == 0, done.stderr
    run = client.get_run(found.run.info.run_id)
    assert (run.info.status, points_of(client, run)) == ("FINISHED", POINTS)
