"""A sweep on SageMaker; jobs are functions here, and need no Docker."""

from functools import partial
from typing import Any

from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import FAST, POINTS, FastBackend, Job, points_of, states_of, train
from tests.support import ProjectFolder, all_runs
from tg.common.delivery.sagemaker import SagemakerRemoteExecutor, SharedAccount
from tg_mlflow.training import ExecutorFactory


class FastSweeps(FastBackend):
    def share_place(self, config: Any) -> ExecutorFactory:
        return partial(SagemakerRemoteExecutor, account=SharedAccount(pacing=FAST))


def test_six_jobs_of_one_package(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    job.may_end.set()
    grid = {"solver.rate": [1, 2, 3, 4, 5, 6]}
    ended = train(small_project, store, FastSweeps(), sweep=grid, primary_metric="loss", mode="min")
    assert (ended.get_status(), ended.wait()) == ("FINISHED", True)
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == ended.run_id]
    assert {run.info.run_name for run in children} == {f"SR{rate}" for rate in range(1, 7)}
    for run in children:
        assert (run.info.status, points_of(store, run)) == ("FINISHED", POINTS)
        assert run.data.params["solver.rate"] == run.info.run_name.removeprefix("SR")
    assert states_of(simulated_aws) == ["Completed"] * 6
    assert len({each.request["Environment"]["TG_RESOURCE"] for each in simulated_aws.jobs}) == 6
    # One package, uploaded once.
    codes = {
        channel["DataSource"]["S3DataSource"]["S3Uri"]
        for each in simulated_aws.jobs
        for channel in each.request["InputDataConfig"]
    }
    assert len(codes) == 1
    stems = {each.name[: len("points-SR1")] for each in simulated_aws.jobs}
    assert stems == {f"points-SR{rate}" for rate in range(1, 7)}
