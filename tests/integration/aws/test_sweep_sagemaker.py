"""A sweep on SageMaker; jobs are functions here, and need no Docker."""

from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import POINTS, FastBackend, Job, points_of, states_of, train
from tests.processes import wait_for
from tests.support import ProjectFolder, all_runs


def test_six_jobs_of_one_package(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    job.may_end.set()
    grid = {"solver.rate": [1, 2, 3, 4, 5, 6]}
    ended = train(small_project, store, FastBackend(), sweep=grid, primary_metric="loss", mode="min")
    assert (ended.get_status(), ended.wait()) == ("FINISHED", True)
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == ended.run_id]
    assert {run.info.run_name for run in children} == {f"R{rate}" for rate in range(1, 7)}
    for run in children:
        assert (run.info.status, points_of(store, run)) == ("FINISHED", POINTS)
        assert run.data.params["solver.rate"] == run.info.run_name.removeprefix("R")
    assert states_of(simulated_aws) == ["Completed"] * 6
    assert len({each.request["Environment"]["TG_RESOURCE"] for each in simulated_aws.jobs}) == 6
    # One package, uploaded once.
    codes = {
        channel["DataSource"]["S3DataSource"]["S3Uri"]
        for each in simulated_aws.jobs
        for channel in each.request["InputDataConfig"]
    }
    assert len(codes) == 1
    stems = {each.name[: len("points-R1")] for each in simulated_aws.jobs}
    assert stems == {f"points-R{rate}" for rate in range(1, 7)}


def test_a_failure_stops_jobs_that_run_and_those_that_wait_for_a_quota(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    job.exit_code = 1

    def states() -> dict[str, str]:
        return {each.name.split("-")[1]: each.status for each in simulated_aws.jobs}

    def refuse_others(name: str) -> None:
        if "R1-" in name:
            wait_for(lambda: any("R2-" in each for each in job.started))
            simulated_aws.faults.refuse_jobs(10_000)
            job.may_end.set()
        else:
            wait_for(lambda: {"R1": "Failed"}.items() <= states().items())
            job.may_end.clear()

    job.meanwhile = refuse_others
    grid = {"solver.rate": [1, 2, 3, 4]}
    ended = train(small_project, store, FastBackend(), sweep=grid, stop_on_failure=True, max_parallel=2)
    assert (ended.get_status(), ended.wait()) == ("FAILED", False)
    children = [run for run in all_runs(store) if run.data.tags.get("mlflow.parentRunId") == ended.run_id]
    statuses = {run.info.run_name: run.info.status for run in children}
    assert (statuses.pop("R1"), statuses.pop("R2")) == ("FAILED", "KILLED")
    assert set(statuses.values()) <= {"KILLED"}
    assert states() == {"R1": "Failed", "R2": "Stopped"}
