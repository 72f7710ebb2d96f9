"""How runs of ``tg-sagemaker`` end that cannot end well: what there is of them is kept, and no job is left behind."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import (
    FAST,
    FIRST_HALF,
    POINTS,
    FastBackend,
    Job,
    assert_finished,
    points_of,
    states_of,
    the_run,
    train,
    train_to_fail,
)
from tests.support import ProjectFolder
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient

Fault: TypeAlias = Callable[[AwsEmulator, Job], object]


@pytest.mark.parametrize(
    ("fault", "config", "status", "reason", "points", "states"),
    [
        (
            lambda aws, job: aws.faults.capacity_errors.add("ml.m5.large"),
            {},
            "FAILED",
            "job mine has failed: CapacityError: Unable to provision requested ML compute capacity. Please retry using "
            "a different ML instance type.",
            None,
            ["Failed"],
        ),
        (
            lambda aws, job: aws.faults.refuse_jobs(1000),
            {"queue_seconds": 0.2},
            "FAILED",
            "job 'mine' cannot be created: CreateTrainingJob answers ResourceLimitExceeded: The account-level service "
            "limit 'ml.m5.large for training job usage' is 0 Instances, with current utilization of 0 Instances and a "
            "request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
            "Service Quotas is not available, contact AWS support to request an increase for this quota.",
            None,
            [],
        ),
        (
            lambda aws, job: setattr(job, "meanwhile", aws.stop_job),
            {},
            "KILLED",
            "job mine has stopped: it was stopped",
            FIRST_HALF,
            ["Stopped"],
        ),
        (
            lambda aws, job: None,
            {"max_run_seconds": 1},
            "FAILED",
            "job mine has failed: its time to run is over: max_run_seconds is 1; raise it (MaxRuntimeExceeded)",
            FIRST_HALF,
            ["Stopped"],
        ),
        (
            lambda aws, job: aws.faults.hold_starts(),
            {"spot": True, "max_run_seconds": 1, "max_wait_seconds": 1},
            "FAILED",
            "job mine has failed: its time to wait and run is over: max_wait_seconds is 1; raise it "
            "(MaxWaitTimeExceeded)",
            None,
            ["Stopped"],
        ),
        (
            lambda aws, job: setattr(
                job, "meanwhile", lambda name: (aws.faults.hold_starts(), aws.interrupt_job(name))
            ),
            {"spot": True, "max_run_seconds": 2, "max_wait_seconds": 2},
            "FAILED",
            "job mine has failed: its time to wait and run is over: max_wait_seconds is 2; raise it "
            "(MaxWaitTimeExceeded)",
            FIRST_HALF,
            ["Stopped"],
        ),
    ],
    ids=[
        "no capacity",
        "quota used up",
        "stopped from outside",
        "runs too long",
        "waits too long",
        "interrupted for too long",
    ],
)
def test_a_training_that_cannot_end_well(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    fault: Fault,
    config: dict[str, object],
    status: str,
    reason: str,
    points: list[tuple[int, float]] | None,
    states: list[str],
) -> None:
    fault(simulated_aws, job)
    said = train_to_fail(small_project, store, job_name="mine", **config)
    run = the_run(store)
    assert (run.info.status, states_of(simulated_aws)) == (status, states)
    assert said.partition("\n")[0] == f"Run {run.info.run_id} {status}: {reason}"
    assert points_of(store, run) == (points or [])


def test_a_job_that_cannot_be_followed_goes_on_and_can_be_attached_to(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = os.environ["AWS_ACCESS_KEY_ID"]
    job.meanwhile = lambda name: simulated_aws.faults.expired_keys.add(key)
    with caplog.at_level(logging.INFO, "mlflow.tg_mlflow"):
        ended = train(small_project, store, FastBackend(replace(FAST, patience_seconds=0.5)))
    assert not ended.wait()
    run, (only,) = the_run(store), simulated_aws.jobs
    assert (run.info.status in ("RUNNING", "SCHEDULED"), only.status) == (True, "InProgress")
    assert f"Job {only.name} goes on; to record the rest later, run `tg-mlflow attach {ended.run_id}`" in caplog.text
    assert simulated_aws.calls.of("sagemaker:StopTrainingJob") == []
    simulated_aws.faults.expired_keys.clear()
    job.may_end.set()
    attach(TrackingClient(store.tracking_uri), ended.run_id)
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS
    assert states_of(simulated_aws) == ["Completed"]
