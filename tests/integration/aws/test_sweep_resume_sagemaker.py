"""A sweep on SageMaker whose launcher is gone; real commands against an emulated AWS, whose jobs are functions."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FIRST_HALF, POINTS, Job, artifacts_of, points_of, states_of
from tests.launcher import Launcher, tg_mlflow
from tests.processes import wait_for
from tests.support import ProjectFolder, all_runs

HELD = range(91, 100)
WAIT_SECONDS = 120


class HeldJobs:
    """Jobs of a rate above 90 stay in the middle until they are let go; others end by themselves."""

    def __init__(self) -> None:
        self.held, self.free = Job(), Job()
        self.free.may_end.set()

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        is_held = request["TrainingJobName"].startswith("points-R9")
        return (self.held if is_held else self.free)(request, write_line, is_stopped)

    def let_go(self) -> None:
        self.held.may_end.set()


@pytest.fixture
def jobs() -> Iterator[HeldJobs]:
    jobs = HeldJobs()
    yield jobs
    jobs.let_go()


@pytest.fixture
def held_aws(
    make_simulated_aws: Callable[..., AwsEmulator], jobs: HeldJobs, monkeypatch: pytest.MonkeyPatch
) -> AwsEmulator:
    aws = make_simulated_aws(jobs)
    jobs.held.aws = jobs.free.aws = aws
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


def sweep_words(*rates: int, max_parallel: int) -> tuple[str, str]:
    config = {"sweep": {"solver.rate": rates}, "primary_metric": "loss", "mode": "min", "max_parallel": max_parallel}
    return ("--backend-config", json.dumps(config))


def parent_of(store: MlflowClient) -> Run:
    (parent,) = (run for run in all_runs(store) if "mlflow.parentRunId" not in run.data.tags)
    return parent


def children_of(store: MlflowClient) -> dict[str, Run]:
    children = [run for run in all_runs(store) if "mlflow.parentRunId" in run.data.tags]
    named = {str(run.info.run_name): run for run in children}
    assert len(named) == len(children)
    return named


def wait_for_half(launcher: Launcher, store: MlflowClient, *names: str) -> None:
    """Waits until the first half of what each of these jobs says is recorded."""
    deadline, missing = time.monotonic() + WAIT_SECONDS, set(names)
    while missing:
        assert time.monotonic() < deadline, missing
        assert launcher.process.poll() is None, launcher.wait_for_end() and launcher.output
        time.sleep(0.5)  # the emulator is in this process, and wants some of its time
        children = children_of(store)
        missing -= {name for name in missing & set(children) if points_of(store, children[name]) == FIRST_HALF}


def test_a_sweep_is_resumed_when_its_launcher_and_its_project_are_gone(
    small_project: ProjectFolder, held_aws: AwsEmulator, jobs: HeldJobs, store: MlflowClient, tmp_path: Path
) -> None:
    words = sweep_words(1, *HELD, 2, 3, max_parallel=len(HELD))
    with Launcher(small_project, "sagemaker", tmp_path, *words) as launcher:
        wait_for_half(launcher, store, *(f"R{rate}" for rate in HELD))
        launcher.kill()
    before = {name: (run.info.run_id, run.data.tags["tg.job_id"]) for name, run in children_of(store).items()}
    assert set(before) == {"R1", *(f"R{rate}" for rate in HELD)}
    assert children_of(store)["R1"].info.status == "FINISHED"
    shutil.rmtree(small_project.path)
    held_aws.calls.clear()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with ThreadPoolExecutor(1) as pool:
        attaching = pool.submit(tg_mlflow, elsewhere, "attach", parent_of(store).info.run_id)
        # One account for all, those that were left included: so few new ones as there are would not be listed.
        wait_for(lambda: bool(held_aws.calls.of("sagemaker:ListTrainingJobs")), WAIT_SECONDS)
        jobs.let_go()
        done = attaching.result()
    assert done.returncode == 0, done.stderr
    assert "of 12 trainings, 1 have ended and 9 go on" in done.stderr

    parent, after = parent_of(store), children_of(store)
    assert set(after) == {*before, "R2", "R3"}
    assert {name: (after[name].info.run_id, after[name].data.tags["tg.job_id"]) for name in before} == before
    for run in after.values():
        assert (run.info.status, points_of(store, run)) == ("FINISHED", POINTS)
        assert run.data.params["solver.rate"] == run.info.run_name.removeprefix("R")
        assert artifacts_of(store, run) == {"logs", "package", "result", "task.json"}
    assert (parent.info.status, parent.data.metrics["tg.sweep_finished"]) == ("FINISHED", 12)
    assert parent.data.metrics["loss"] == POINTS[-1][1]
    assert {"sweep/plan.json", "sweep/summary.csv", "sweep/summary.json"} <= artifacts_of(store, parent, "sweep")

    # Each job was created once, the missing ones from the package that was there.
    assert states_of(held_aws) == ["Completed"] * 12
    assert len(held_aws.calls.of("sagemaker:CreateTrainingJob")) == 2
    assert held_aws.calls.of("s3:PutObject") == []
    codes = {
        channel["DataSource"]["S3DataSource"]["S3Uri"]
        for each in held_aws.jobs
        for channel in each.request["InputDataConfig"]
    }
    assert len(codes) == 1
    assert len({each.request["Environment"]["TG_RESOURCE"] for each in held_aws.jobs}) == 12
    assert held_aws.calls.of("sts:GetCallerIdentity") == []  # the role says which account it is
    assert held_aws.calls.peak("sagemaker:ListTrainingJobs", 10) <= 3
    assert held_aws.calls.peak("sagemaker:DescribeTrainingJob", 10) <= 100
    assert list((elsewhere / "jobs").iterdir()) == []


def test_a_sweep_whose_launcher_is_gone_is_stopped(
    small_project: ProjectFolder, held_aws: AwsEmulator, jobs: HeldJobs, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path, *sweep_words(91, 92, 93, 1, max_parallel=3)) as launcher:
        wait_for_half(launcher, store, "R91", "R92", "R93")
        launcher.kill()
    run_id = parent_of(store).info.run_id
    # Who may not look at jobs does not know that they are gone: none is created in their place.
    held_aws.faults.deny("sagemaker:DescribeTrainingJob")
    done = tg_mlflow(tmp_path, "attach", run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "cannot be looked at: access is denied: " in done.stderr
    assert {run.info.status for run in all_runs(store)} == {"RUNNING"}
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert done.returncode == 1
    assert "=== 3 of 3 trainings could not be stopped: R91, R92, R93 ===" in done.stderr
    held_aws.faults.allow("sagemaker:DescribeTrainingJob")
    assert states_of(held_aws) == ["InProgress"] * 3
    done = tg_mlflow(tmp_path, "cancel", run_id)
    assert done.returncode == 0, done.stderr
    assert states_of(held_aws) == ["Stopped"] * 3
    assert {run.info.status for run in all_runs(store)} == {"KILLED"}
    assert set(children_of(store)) == {"R91", "R92", "R93"}
