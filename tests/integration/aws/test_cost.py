"""What trainings on SageMaker cost is known while they run, and bounded."""

import logging
import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FastBackend, build_archive, states_of, the_run, train
from tests.support import ProjectFolder, all_runs
from tg.common import JobStoppedError
from tg.common.delivery.sagemaker.aws.clock import Clock
from tg_mlflow.places.sagemaker import SagemakerPlace
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import read_events

# A dollar a second. A job that is told to stop may take two minutes, and so 120 dollars.
DEAR = {"usd_per_hour": 3600}


class JumpingClock(Clock):
    """A clock that a test puts forward."""

    passed_seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed_seconds

    def time(self) -> float:
        return super().time() + self.passed_seconds


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def ends() -> set[str]:
    """The values of R whose jobs complete at once; the others have trained for 100 s when one first looks at them."""
    return set()


@pytest.fixture
def aws(
    make_simulated_aws: Callable[..., AwsEmulator],
    clock: JumpingClock,
    ends: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AwsEmulator:
    archive = build_archive()

    def run(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        name = request["TrainingJobName"]
        job, found = aws.job(name), re.search(r"-R(\d)-", name)
        if found is None or found[1] not in ends:
            assert job.training_started is not None
            job.training_started -= 100
            while not is_stopped():
                job.wait_until(is_stopped, 0.05)
            return 143
        place = urlsplit(f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz")
        aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=archive)
        return 0

    aws = make_simulated_aws(run, clock=clock)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


def test_a_sweep_of_six_stops_at_the_bound_and_goes_on_with_another(
    small_project: ProjectFolder,
    aws: AwsEmulator,
    store: MlflowClient,
    ends: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends |= {"1", "2"}
    grid = {"solver.rate": [1, 2, 3, 4, 5, 6]}
    with caplog.at_level(logging.INFO):
        ended = train(small_project, store, FastBackend(), sweep=grid, max_parallel=2, max_cost=400.0, **DEAR)
    assert (ended.get_status(), ended.wait()) == ("KILLED", False)
    assert states_of(aws) == ["Completed", "Completed", "Stopped", "Stopped"]
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == ended.run_id]
    children.sort(key=lambda run: str(run.info.run_name))
    statuses = {run.info.run_name: run.info.status for run in children}
    assert statuses == {"R1": "FINISHED", "R2": "FINISHED", "R3": "KILLED", "R4": "KILLED"}
    reason = "the cost has reached max_cost, 400.00 USD"
    parent = store.get_run(ended.run_id)
    reasons = {run.info.run_name: run.data.tags.get("tg.stop_reason", "") for run in [*children, parent]}
    assert [name for name, text in reasons.items() if reason in text] == ["R3", "R4", parent.info.run_name]
    assert (reasons["R1"], reasons["R2"]) == ("", "")
    # Each second of a machine is a dollar.
    costs = {run.info.run_name: run.data.metrics["tg.cost_usd"] for run in children}
    assert costs == {run.info.run_name: run.data.metrics["tg.billable_seconds"] for run in children}
    assert (min(costs["R3"], costs["R4"]) >= 100, sum(costs.values()) < 400) == (True, True)
    assert parent.data.metrics["tg.cost_usd"] == sum(costs.values())
    # Should the launcher die, AWS stops each job when all that was left at its start is spent.
    limits = [each.request["StoppingCondition"]["MaxRuntimeInSeconds"] for each in aws.jobs]
    assert (limits[0], max(limits[2:]) < 400) == (400, True)
    table = next(each for each in caplog.messages if each.startswith("MACHINE"))
    assert table.splitlines() == [
        "MACHINE      USD/HOUR  MACHINES  TRAININGS  TIME LIMIT  USD AT MOST",
        "ml.m5.large      3600         1          6        24 h    518400.00",
        "All are stopped when they have cost 400.00 USD (max_cost)",
    ]

    ends |= {"3", "4", "5", "6"}
    with patch.object(SagemakerPlace, "open", FastBackend()._open):
        end = resume_sweep(TrackingClient(store.tracking_uri), parent, {"max_cost": 10_000.0})
    assert (end.status, states_of(aws)[4:]) == ("FINISHED", ["Completed"] * 4)
    resumed = store.get_run(ended.run_id)
    assert "tg.stop_reason" not in resumed.data.tags
    assert resumed.data.metrics["tg.cost_usd"] >= sum(costs.values()) + 4


def test_a_training_stops_at_the_bound(small_project: ProjectFolder, aws: AwsEmulator, store: MlflowClient) -> None:
    ended = train(small_project, store, max_cost=2.1, usd_per_hour=36)  # a second is a cent
    assert ended.get_status() == "KILLED"
    run = the_run(store)
    assert ": the cost has reached max_cost, 2.10 USD, " in run.data.tags["tg.stop_reason"]
    assert ("stopping", "the cost has reached max_cost, 2.10 USD") in [(e.state, e.cause) for e in read_events(run)]
    assert run.data.metrics["tg.cost_usd"] == run.data.metrics["tg.billable_seconds"] / 100
    assert (states_of(aws), "tg.failure_reason" in run.data.tags) == (["Stopped"], False)


def test_a_training_without_its_launcher_stops_at_the_bound(
    small_project: ProjectFolder, aws: AwsEmulator, clock: JumpingClock, store: MlflowClient
) -> None:
    ended = train(small_project, store, max_cost=250.0, detach=True, SYNCHRONOUS=False, **DEAR)
    (job,) = aws.jobs
    assert job.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 250}
    aws.wait_for_status(job.name, "Training")
    clock.passed_seconds = 251
    aws.wait_for_status(job.name, "MaxRuntimeExceeded")
    open_place = patch.object(SagemakerPlace, "open", FastBackend()._open)
    with (
        open_place,
        pytest.raises(JobStoppedError, match=r"was stopped: the cost has reached max_cost, 250\.00 USD \(job "),
    ):
        attach(TrackingClient(store.tracking_uri), ended.run_id)
    run = the_run(store)
    assert run.info.status == "KILLED"
    assert ": the cost has reached max_cost, 250.00 USD (" in run.data.tags["tg.stop_reason"]
    assert run.data.metrics["tg.cost_usd"] == run.data.metrics["tg.billable_seconds"]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"max_cost": 100.0, **DEAR}, "max_cost is 100, and to stop a training on ml.m5.large may take 120 seconds, "
         "which cost 120.00 USD; raise it"),
        ({"max_cost": 5.0, "instance_type": "ml.m5.xlarge"}, "max_cost is 5, but what ml.m5.xlarge costs is not known "
         "(price unknown: AWS lists no price in USD for training on ml.m5.xlarge in eu-central-1); give usd_per_hour, "
         "or leave max_cost out"),
        ({"max_cost": 5.0, "fallback_instance_types": ["ml.m5.xlarge"]}, "max_cost is 5, but what ml.m5.xlarge costs "
         "is not known (price unknown: AWS lists no price in USD for training on ml.m5.xlarge in eu-central-1); give "
         "usd_per_hour, or leave max_cost out"),
    ],
)  # fmt: skip
def test_a_bound_that_cannot_be_kept_is_refused(
    small_project: ProjectFolder, aws: AwsEmulator, store: MlflowClient, config: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ExecutionException) as caught:
        train(small_project, store, **config)
    assert str(caught.value) == problem
    assert (all_runs(store), aws.jobs) == ([], [])
