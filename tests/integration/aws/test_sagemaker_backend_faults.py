"""What AWS does at times, and what becomes of runs of ``tg-sagemaker``: nothing is lost, and no job is left running."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.emulator import ROLE_NAME
from tests.integration.aws.backend_support import (
    FAST,
    POINTS,
    FastBackend,
    Job,
    assert_finished,
    points_of,
    states_of,
    the_run,
    train,
)
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder, make_points
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient

OPERATIONS = {
    "sts:GetCallerIdentity",
    "s3:HeadBucket",
    "s3:HeadObject",
    "s3:ListObjectsV2",
    "s3:PutObject",
    "s3:GetObject",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
}
"""All that a training in a ready-made image calls."""

Fault: TypeAlias = Callable[[AwsEmulator, Job], object]


@pytest.fixture
def dataset(simulated_aws: AwsEmulator, small_project: ProjectFolder) -> str:
    """A folder, here and in S3."""
    small_project.write_dataset(make_points(), "all/points.parquet")
    simulated_aws.s3.put_object(Bucket=BUCKET, Key="sagemaker/points/datasets/all/points.parquet", Body=b"points")
    return "all"


@pytest.mark.parametrize(
    ("order", "statuses"),
    [
        (lambda aws, operation: aws.faults.throttle(operation), {400, 503}),
        (lambda aws, operation: aws.faults.break_down(operation), {500}),
    ],
    ids=["throttled", "internal error"],
)
def test_every_call_may_fail(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    dataset: str,
    store: MlflowClient,
    order: Callable[[AwsEmulator, str], None],
    statuses: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ROLE", ROLE_NAME)  # which account it is of has to be asked
    job.may_end.set()
    for operation in OPERATIONS:
        order(simulated_aws, operation)
    assert train(small_project, store, dataset=dataset).wait()
    assert simulated_aws.calls.names() == OPERATIONS
    assert {each.name for each in simulated_aws.calls if each.status in statuses} == OPERATIONS
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS
    assert states_of(simulated_aws) == ["Completed"]


def test_aws_may_be_away_for_longer_than_its_client_tries(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def go_away(name: str) -> None:
        for operation in ("sagemaker:DescribeTrainingJob", "logs:GetLogEvents"):
            simulated_aws.faults.break_down(operation)

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    job.meanwhile = go_away
    job.may_end.set()
    assert train(small_project, store).wait()
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS
    assert states_of(simulated_aws) == ["Completed"]


def interrupt_once(aws: AwsEmulator, job: Job) -> None:
    def interrupt(name: str) -> None:
        if len(job.started) == 1:
            aws.interrupt_job(name)

    job.meanwhile = interrupt


def renew_credentials(aws: AwsEmulator, job: Job) -> None:
    """Lets the credentials expire in the middle; there are others then."""

    def expire(name: str) -> None:
        aws.faults.expired_keys.add(os.environ["AWS_ACCESS_KEY_ID"])
        os.environ["AWS_ACCESS_KEY_ID"] = "AKIANEW"

    job.meanwhile = expire


@pytest.mark.parametrize(
    ("fault", "config", "points", "states"),
    [
        (lambda aws, job: setattr(aws.faults, "log_delay_seconds", 1.0), {}, POINTS, ["Completed"]),
        (lambda aws, job: aws.faults.empty_pages(6), {}, POINTS, ["Completed"]),
        (lambda aws, job: setattr(aws.faults, "withhold_logs", True), {}, [], ["Completed"]),
        (lambda aws, job: aws.faults.lose_answer("sagemaker:CreateTrainingJob"), {}, POINTS, ["Completed"]),
        (lambda aws, job: aws.faults.refuse_jobs(3), {}, POINTS, ["Completed"]),
        (
            lambda aws, job: aws.faults.capacity_errors.add("ml.m5.large"),
            {"fallback_instance_types": ["ml.m5.xlarge"]},
            POINTS,
            ["Failed", "Completed"],
        ),
        (interrupt_once, {"spot": True}, POINTS, ["Completed"]),
        (renew_credentials, {}, POINTS, ["Completed"]),
    ],
    ids=[
        "late log",
        "empty pages",
        "no log",
        "lost answer",
        "quota used up",
        "no capacity",
        "spot interruption",
        "token expired",
    ],
)
def test_a_training_comes_to_its_end_nevertheless(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    config: dict[str, object],
    points: list[tuple[int, float]],
    states: list[str],
) -> None:
    job.may_end.set()
    fault(simulated_aws, job)
    backend = FastBackend(replace(FAST, quiet_seconds=1))
    assert train(small_project, store, backend, **config).wait()
    assert_finished(store)
    assert points_of(store, the_run(store)) == points
    assert states_of(simulated_aws) == states


def test_results_are_not_lost_when_s3_is_away_at_the_end(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    job.meanwhile = lambda name: simulated_aws.faults.break_down("s3:HeadObject", 3)
    job.may_end.set()
    ended = train(small_project, store)
    if not ended.wait():
        attach(TrackingClient(store.tracking_uri), ended.run_id)
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS


def test_data_may_be_in_s3_only(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    simulated_aws.s3.put_object(Bucket=BUCKET, Key="sagemaker/points/datasets/far.parquet", Body=b"points")
    job.may_end.set()
    assert train(small_project, store, dataset="far.parquet").wait()
    assert_finished(store)
    (logged,) = the_run(store).inputs.dataset_inputs
    place = f"s3://{BUCKET}/sagemaker/points/datasets/far.parquet"
    assert (logged.dataset.name, json.loads(logged.dataset.source)) == ("far.parquet", {"uri": place})
    etag = hashlib.md5(b"points").hexdigest()
    assert logged.dataset.digest == hashlib.sha256(f'\0{6}\0"{etag}"\0'.encode()).hexdigest()[:32]
