"""Tasks from a notebook, and a study of Optuna, on SageMaker; jobs are functions here, and need no Docker."""

import json
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.distributions import FloatDistribution

import tg_mlflow
from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import READY_NAME, artifacts_of, build_archive, points_of
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder, all_runs
from tg.common.delivery.sagemaker import Autonamer
from tg_mlflow import TgObjective

STEPS = 10
CONFIG = {"bucket": BUCKET, "image_uri": READY_NAME, "project_name": "points"}

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Remote(AbstractTrainingTask):
        def __init__(self, rate=1.0):
            super().__init__()
            self.rate = rate

        def get_metric_names(self):
            return ["loss"]

        def run_with_environment(self, data, environment):
            raise AssertionError("jobs of these tests are functions")
"""


class RatedJobs:
    """Jobs that say ``rate / (step + 1)`` of their rate; those of more than 10 go on until they are stopped.

    Attributes:
        aws: Where they run.
    """

    def __init__(self) -> None:
        self.aws: AwsEmulator
        self._archive = build_archive()

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        rate = float(json.loads(request.get("HyperParameters", {}).get("rate", "1")))
        for step, value in expect_points(rate):
            write_line(f"###METRIC###loss:{value!r}###step:{step}###")
        while rate > 10:
            if is_stopped():
                return 143
            time.sleep(0.05)
        output = f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}/output/model.tar.gz"
        place = urlsplit(output)
        self.aws.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=self._archive)
        return 0


@pytest.fixture
def rated_aws(make_simulated_aws: Callable[..., AwsEmulator], monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    jobs = RatedJobs()
    jobs.aws = make_simulated_aws(jobs)
    monkeypatch.setenv("AWS_ROLE", jobs.aws.role_arn)
    return jobs.aws


@pytest.fixture
def tasks(tmp_path: Path, store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A module with a task, somewhere on the path."""
    folder = ProjectFolder(tmp_path / "library")
    folder.write("remote_tasks.py", TASKS)
    monkeypatch.syspath_prepend(str(folder.path))
    import remote_tasks  # type: ignore[import-not-found]

    yield remote_tasks
    sys.modules.pop("remote_tasks", None)


def expect_points(rate: float) -> list[tuple[int, float]]:
    return [(step, rate / (step + 1)) for step in range(STEPS)]


def children_of(store: MlflowClient, run_id: str) -> dict[str, Run]:
    runs = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == run_id]
    return {run.info.run_name: run for run in runs}


def assert_one_package(aws: AwsEmulator) -> None:
    """Checks that all jobs have the same code, which was uploaded once."""
    codes = {
        channel["DataSource"]["S3DataSource"]["S3Uri"]
        for each in aws.jobs
        for channel in each.request["InputDataConfig"]
    }
    assert len(codes) == 1
    prefix = urlsplit(codes.pop()).path[1:]
    stored = [each["Key"] for each in aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
    assert len(aws.calls.of("s3:PutObject")) == len(stored)


def test_tasks_are_trained_at_the_same_time(
    tasks: types.ModuleType, rated_aws: AwsEmulator, store: MlflowClient
) -> None:
    built = Autonamer(tasks.Remote).build_tasks(rate=[1, 2, 3])
    table = tg_mlflow.run_tasks(built, "tg-sagemaker", {**CONFIG, "primary_metric": "loss"}, progress=False)
    assert table["name"].tolist() == ["R1", "R2", "R3"]
    assert table["status"].tolist() == ["FINISHED"] * 3
    assert table["metrics.loss"].tolist() == [1 / STEPS] * 3  # hyperparameters are in the package, not in the request
    parent = store.get_run(table.attrs["run_id"])
    assert (parent.info.status, parent.data.metrics["tg.sweep_finished"]) == ("FINISHED", 3)
    runs = children_of(store, parent.info.run_id)
    assert [runs[name].info.run_id for name in table["name"]] == table["run_id"].tolist()
    for name, run in runs.items():
        assert points_of(store, run) == expect_points(1)
        assert run.data.params == {"rate": name.removeprefix("R")}
        assert artifacts_of(store, run) == {"logs", "package", "result", "task.json"}
    assert {each.name: each.status for each in rated_aws.jobs} == {
        run.data.tags["tg.job_id"]: "Completed" for run in runs.values()
    }
    assert len({each.request["Environment"]["TG_RESOURCE"] for each in rated_aws.jobs}) == 3
    assert_one_package(rated_aws)


def test_the_job_of_a_pruned_trial_is_stopped(
    tasks: types.ModuleType, rated_aws: AwsEmulator, store: MlflowClient
) -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=5, n_warmup_steps=3))
    for rate in (30.0, 1.0, 2.0):
        study.enqueue_trial({"rate": rate})
    space = {"rate": FloatDistribution(0.1, 100)}
    with TgObjective(tasks.Remote(), space, "loss", "tg-sagemaker", CONFIG) as objective:
        study.optimize(objective, n_trials=3, n_jobs=3)
    trials = {trial.params["rate"]: trial for trial in study.trials}
    assert {rate: trial.state.name for rate, trial in trials.items()} == {
        30: "PRUNED",
        1: "COMPLETE",
        2: "COMPLETE",
    }
    assert (trials[30].last_step, trials[30].value) == (3, 7.5)
    assert (trials[1].value, trials[2].value) == (0.1, 0.2)
    assert trials[1].intermediate_values == dict(expect_points(1))
    runs = children_of(store, objective.run_id)
    for rate, status, state in ((30, "KILLED", "Stopped"), (1, "FINISHED", "Completed"), (2, "FINISHED", "Completed")):
        run = runs[f"trial-{trials[rate].number}"]
        assert (run.info.status, rated_aws.job(run.data.tags["tg.job_id"]).status) == (status, state)
        assert points_of(store, run) == expect_points(rate)
    assert runs[f"trial-{trials[30].number}"].data.tags["tg.pruned_at_step"] == "3"
    assert len(rated_aws.jobs) == 3
    assert_one_package(rated_aws)
    parent = store.get_run(objective.run_id)
    assert (parent.info.status, parent.data.tags["tg.best_name"]) == ("FINISHED", f"trial-{trials[1].number}")
    assert parent.data.metrics["tg.sweep_pruned"] == 1
