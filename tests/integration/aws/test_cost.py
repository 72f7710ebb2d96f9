"""What trainings on SageMaker cost is known while they run, and bounded."""

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FastBackend, build_archive, states_of, the_run, train
from tests.support import ProjectFolder, all_runs

# A dollar a second. A job that is told to stop may take two minutes, and so 120 dollars.
DEAR = {"usd_per_hour": 3600}


@pytest.fixture
def ends() -> set[str]:
    """The values of R whose jobs complete at once; others go on until they are stopped."""
    return set()


@pytest.fixture
def aws(make_simulated_aws: Callable[..., AwsEmulator], ends: set[str], monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    archive = build_archive()

    def run(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        name = request["TrainingJobName"]
        found = re.search(r"-R(\d)-", name)
        while found is None or found[1] not in ends:
            aws.job(name).wait_until(is_stopped, 0.05)
            if is_stopped():
                return 143
        place = urlsplit(f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz")
        aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=archive)
        return 0

    aws = make_simulated_aws(run)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


def costs_of(runs: list[Run]) -> dict[str, float]:
    return {str(run.info.run_name): run.data.metrics["tg.cost_usd"] for run in runs}


def test_a_sweep_of_six_stops_at_the_bound(
    small_project: ProjectFolder,
    aws: AwsEmulator,
    store: MlflowClient,
    ends: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends |= {"1", "2"}
    grid = {"solver.rate": [1, 2, 3, 4, 5, 6]}
    with caplog.at_level(logging.INFO):
        ended = train(small_project, store, FastBackend(), sweep=grid, max_parallel=2, max_cost=245.0, **DEAR)
    assert (ended.get_status(), ended.wait()) == ("KILLED", False)
    assert states_of(aws) == ["Completed", "Completed", "Stopped", "Stopped"]
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == ended.run_id]
    statuses = {run.info.run_name: run.info.status for run in children}
    assert statuses == {"R1": "FINISHED", "R2": "FINISHED", "R3": "KILLED", "R4": "KILLED"}
    reason = "the cost has reached max_cost, 245.00 USD"
    parent = store.get_run(ended.run_id)
    stopped = [run for run in children if run.info.status == "KILLED"]
    assert {run.data.tags.get("tg.stop_reason") for run in [*stopped, parent]} == {reason}
    assert "tg.stop_reason" not in next(run for run in children if run.info.run_name == "R1").data.tags
    # Each second of a machine is a dollar, and nothing has cost more than the bound.
    seconds = {run.info.run_name: run.data.metrics["tg.billable_seconds"] for run in children}
    assert costs_of(children) == seconds
    assert parent.data.metrics["tg.cost_usd"] == sum(seconds.values())
    assert 4 < sum(seconds.values()) < 245
    # Should the launcher die, AWS stops each job when all that was left is spent.
    limits = [each.request["StoppingCondition"]["MaxRuntimeInSeconds"] for each in aws.jobs]
    assert (limits[0], max(limits[2:]) < 245) == (245, True)
    table = next(each for each in caplog.messages if each.startswith("MACHINE"))
    assert table.splitlines() == [
        "MACHINE      USD/HOUR  MACHINES  TRAININGS  TIME LIMIT  USD AT MOST",
        "ml.m5.large      3600         1          6        24 h    518400.00",
        "All are stopped when they have cost 245.00 USD (max_cost)",
    ]
    assert f"Run {ended.run_id} KILLED: {reason}: 4 of 6 trainings were stopped or not started; to go on, run" in str(
        ended.__dict__
    )


def test_a_training_stops_at_the_bound(small_project: ProjectFolder, aws: AwsEmulator, store: MlflowClient) -> None:
    ended = train(small_project, store, max_cost=122.0, **DEAR)
    assert ended.get_status() == "KILLED"
    run = the_run(store)
    assert run.data.tags["tg.stop_reason"] == "the cost has reached max_cost, 122.00 USD"
    assert run.data.metrics["tg.cost_usd"] == run.data.metrics["tg.billable_seconds"]
    assert states_of(aws) == ["Stopped"]
    assert "tg.failure_reason" not in run.data.tags


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
