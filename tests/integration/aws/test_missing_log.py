"""A run of ``tg-sagemaker`` is FINISHED only if the log of its job is known to be whole."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import (
    FAST,
    POINTS,
    FastBackend,
    Job,
    artifacts_of,
    assert_finished,
    build_archive,
    points_of,
    the_run,
    train,
)
from tests.support import ProjectFolder
from tg.common.delivery.sagemaker.contract.log_size import LogCounter, LogSize
from tg_mlflow.errors import LogMissingError
from tg_mlflow.places.sagemaker import SagemakerPlace
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient

LINES = [f"###METRIC###loss:{value!r}###step:{step}###\n" for step, value in POINTS]
NOT_PATIENT = replace(FAST, late_seconds=0.5)


@pytest.fixture
def size() -> LogSize:
    counter = LogCounter()
    counter.feed("".join(LINES).encode())
    return counter.size


@pytest.fixture
def told(size: LogSize, job: Job) -> Mapping[str, Any]:
    """What the results of jobs say of their log."""
    told = {"host": "algo-1", **size.to_json()}
    job.may_end.set()
    job.archive = build_archive(told)
    return told


def attach_fast(store: MlflowClient, run: Run) -> None:
    with patch.object(SagemakerPlace, "open", FastBackend(NOT_PATIENT)._open):
        attach(TrackingClient(store.tracking_uri), run.info.run_id)


def test_a_whole_log_finishes_the_run(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, told: Mapping[str, Any], store: MlflowClient
) -> None:
    assert train(small_project, store, FastBackend(NOT_PATIENT)).wait()
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS


def test_events_that_are_late_are_waited_for(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, told: Mapping[str, Any], store: MlflowClient
) -> None:
    simulated_aws.faults.log_delay_seconds = 3  # FAST takes a log as ended when it is quiet for 0.8 seconds
    assert train(small_project, store).wait()
    assert_finished(store)
    assert points_of(store, the_run(store)) == POINTS


def test_no_log_stream_at_all_is_said_and_attach_completes_the_run_when_there_is_one(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, told: Mapping[str, Any], store: MlflowClient
) -> None:
    simulated_aws.faults.log_delay_seconds = 3600
    ended = train(small_project, store, FastBackend(NOT_PATIENT))
    assert not ended.wait()
    run = the_run(store)
    missing = (
        "0 of its 40 lines are here, as CloudWatch has no log stream of it; may the job's role do logs:CreateLogStream "
        "and logs:PutLogEvents?"
    )
    assert run.info.status == "FAILED"
    assert run.data.tags["tg.missing_log"] == missing
    job_id = run.data.tags["tg.job_id"]
    reason = f"the log of job {job_id} is not whole: {missing}; its results are in the run"
    assert run.data.tags["tg.failure_reason"] == reason
    assert artifacts_of(store, run, "result") == {"result/model.tar.gz"}

    simulated_aws.deliver_logs()
    attach_fast(store, run)
    assert_finished(store)
    run = the_run(store)
    assert points_of(store, run) == POINTS
    assert not {"tg.missing_log", "tg.failure_reason"} & set(run.data.tags)


def test_a_log_that_stays_short_leaves_the_run_failed(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    size: LogSize,
    told: Mapping[str, Any],
    job: Job,
    store: MlflowClient,
) -> None:
    job.archive = build_archive({**told, "lines": 50, "metrics": 50})
    assert not train(small_project, store, FastBackend(NOT_PATIENT)).wait()
    run = the_run(store)
    assert (run.info.status, run.data.tags["tg.missing_log"]) == ("FAILED", "40 of its 50 lines are here")
    assert points_of(store, run) == POINTS
    with pytest.raises(LogMissingError, match="40 of its 50 lines are here"):
        attach_fast(store, run)
    assert the_run(store).info.status == "FAILED"
