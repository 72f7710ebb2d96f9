"""The backend ``tg-sagemaker``: real commands against an emulated AWS, and what becomes of their runs."""

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from docker import DockerClient
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET, wait_for
from tests.integration.docker.conftest import build_options
from tests.launcher import Launcher, attach
from tests.support import ROOT, ProjectFolder, all_runs
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.sagemaker import Pacing, SagemakerConfig, SagemakerExecutor, SagemakerRemoteExecutor
from tg_mlflow.project_backend import SagemakerBackend

__all__ = ["build_options"]

READY_NAME = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
METRICS = {"accuracy_score_test", "accuracy_score_train", "roc_auc_score_test", "roc_auc_score_train"}

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Task(AbstractTrainingTask):
        def get_metric_names(self):
            return ["loss"]

        def run_with_environment(self, data, environment):
            raise AssertionError("jobs of these tests are functions")


    def build_task():
        return Task()
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        command: "tg-mlflow train tasks:build_task"
"""


class Job:
    """What jobs do: say two metrics, then stay until they are let go or stopped."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.exit_code = 0
        self.started: list[str] = []

    def __call__(
        self, request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]
    ) -> int:
        self.started.append(request["TrainingJobName"])
        write_line("###METRIC###loss:0.5###step:0###")
        write_line("###METRIC###loss:0.25###step:1###")
        while not self.may_end.wait(0.05):
            if is_stopped():
                return 143
        return self.exit_code


@pytest.fixture
def job() -> Iterator[Job]:
    job = Job()
    yield job
    job.may_end.set()


@pytest.fixture
def small_project(project: ProjectFolder) -> ProjectFolder:
    """One whose jobs are functions, in an image that nobody looks at."""
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"bucket": BUCKET, "image_uri": READY_NAME}))
    return project


@pytest.fixture
def simulated_aws(
    make_simulated_aws: Callable[..., AwsEmulator], job: Job, monkeypatch: pytest.MonkeyPatch
) -> AwsEmulator:
    aws = make_simulated_aws(job)
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


@pytest.fixture
def example(
    aws: AwsEmulator,
    project: ProjectFolder,
    base_image: str,
    build_options: ImageBuildOptions,
    docker_daemon: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ProjectFolder]:
    """``examples/breast_cancer`` with its data here and in S3."""
    shutil.copytree(ROOT / "examples" / "breast_cancer", project.path, dirs_exist_ok=True)
    subprocess.run([sys.executable, "prepare_data.py"], cwd=project.path, check=True, capture_output=True)
    name = "breast_cancer/breast_cancer.parquet"
    key = "sagemaker/breast_cancer/datasets/breast_cancer.parquet"
    aws.s3.upload_file(str(project.path / "datasets" / name), BUCKET, key)
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    config = {"dataset": "breast_cancer.parquet", "base_image": base_image, "build": build, "bucket": BUCKET}
    project.write("tg.json", json.dumps(config))
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    yield project
    for image in docker_daemon.images.list(filters={"reference": "singleframetrainingtask*"}):
        docker_daemon.images.remove(image.id, force=True)


def the_run(store: MlflowClient) -> Run:
    (run,) = all_runs(store)
    return run


def trained_metrics(run: Run) -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if not name.startswith("tg.")}


def artifacts_of(store: MlflowClient, run: Run, folder: str | None = None) -> set[str]:
    return {each.path for each in store.list_artifacts(run.info.run_id, folder)}


def test_the_example_trains_as_in_a_child_process(example: ProjectFolder, store: MlflowClient, tmp_path: Path) -> None:
    for place in ("process", "sagemaker"):
        with Launcher(example, place, tmp_path, "-P", "C=0.5") as launcher:
            assert launcher.wait_for_end() == 0, launcher.output
    here, there = all_runs(store)
    assert (there.info.status, there.data.tags["tg.executor"]) == ("FINISHED", "remote")
    assert trained_metrics(there) == trained_metrics(here)
    assert set(trained_metrics(there)) == METRICS
    assert {"logs", "package", "result", "task.json"} <= artifacts_of(store, there)
    assert artifacts_of(store, there, "result") == {"result/model.tar.gz"}
    tags, job_id = there.data.tags, there.data.tags["tg.job_id"]
    assert tags["tg.instance_type"] == "ml.m5.large"
    assert tags["tg.region"] == "eu-central-1"
    assert tags["tg.console_url"].endswith(f"/sagemaker/home?region=eu-central-1#/jobs/{job_id}")
    assert tags["tg.result_uri"] == f"s3://{BUCKET}/sagemaker/breast_cancer/output/{job_id}/output/model.tar.gz"
    assert there.data.metrics["tg.billable_seconds"] >= 1
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_training_falls_back_to_another_machine(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    aws.faults.capacity_errors.add("ml.m5.large")
    config = json.dumps({"fallback_instance_types": ["ml.m5.xlarge"], "job_name": "falling-back"})
    with Launcher(example, "sagemaker", tmp_path, "--backend-config", config) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    assert "AWS has no ml.m5.large to spare; the training is submitted again on ml.m5.xlarge" in launcher.output
    run = the_run(store)
    assert (run.info.status, run.data.tags["tg.job_id"]) == ("FINISHED", "falling-back-2")
    assert run.data.tags["tg.instance_type"] == "ml.m5.xlarge"
    assert [(each.name, each.status) for each in aws.jobs] == [
        ("falling-back", "Failed"),
        ("falling-back-2", "Completed"),
    ]


def test_an_attach_elsewhere_takes_over(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    aws.faults.hold_starts()
    with Launcher(example, "sagemaker", tmp_path) as launcher:
        wait_for(lambda: bool(all_runs(store)) and the_run(store).info.status == "SCHEDULED", 120)
        launcher.kill()
    aws.faults.release_starts()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = attach(the_run(store).info.run_id, elsewhere)
    assert result.returncode == 0, result.stderr
    run = the_run(store)
    assert run.info.status == "FINISHED"
    assert set(trained_metrics(run)) == METRICS
    assert {"logs", "package", "result", "task.json"} <= artifacts_of(store, run)
    assert len(aws.jobs) == 1


def test_a_run_is_scheduled_then_running_then_killed_with_its_job(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, tmp_path: Path
) -> None:
    simulated_aws.faults.hold_starts()
    with Launcher(small_project, "sagemaker", tmp_path, "--backend-config", '{"tags": {"team": "a b"}}') as launcher:
        wait_for(lambda: bool(all_runs(store)) and the_run(store).info.status == "SCHEDULED", 60)
        assert job.started == []
        simulated_aws.faults.release_starts()
        launcher.wait_for_step(1)
        # Live: the job does not end by itself.
        wait_for(lambda: the_run(store).info.status == "RUNNING" and "loss" in the_run(store).data.metrics)
        wait_for(lambda: len(store.get_metric_history(the_run(store).info.run_id, "loss")) == 2)
        launcher.press_ctrl_c()
        assert launcher.wait_for_end() == 1, launcher.output
    run = the_run(store)
    assert run.info.status == "KILLED"
    (only,) = simulated_aws.jobs
    assert (only.name, only.status) == (run.data.tags["tg.job_id"], "Stopped")
    assert {"Key": "team", "Value": "a b"} in only.request["Tags"]
    assert [(each.step, each.value) for each in store.get_metric_history(run.info.run_id, "loss")] == [
        (0, 0.5),
        (1, 0.25),
    ]


def test_a_failing_training_fails_its_run_with_the_cause(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, tmp_path: Path
) -> None:
    job.exit_code = 1
    job.may_end.set()
    with Launcher(small_project, "sagemaker", tmp_path) as launcher:
        assert launcher.wait_for_end() == 1
    run = the_run(store)
    assert run.info.status == "FAILED"
    job_id = run.data.tags["tg.job_id"]
    assert run.data.tags["tg.failure_reason"].startswith(f"job {job_id} has failed: AlgorithmError")
    assert f"Run {run.info.run_id} FAILED: job {job_id} has failed: AlgorithmError" in launcher.output
    assert run.data.metrics["loss"] == 0.25
    assert run.data.metrics["tg.instance_count"] == 1
    assert "Traceback" not in launcher.output


def test_an_attach_in_the_middle_doubles_nothing(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path) as launcher:
        launcher.wait_for_step(1)
        wait_for(lambda: len(store.get_metric_history(the_run(store).info.run_id, "loss")) == 2)
        launcher.kill()
    assert the_run(store).info.status == "RUNNING"
    job.exit_code = 1  # a function makes no results
    job.may_end.set()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = attach(the_run(store).info.run_id, elsewhere)
    run = the_run(store)
    assert (result.returncode, run.info.status) == (1, "FAILED"), result.stderr
    assert [(each.step, each.value) for each in store.get_metric_history(run.info.run_id, "loss")] == [
        (0, 0.5),
        (1, 0.25),
    ]
    assert run.data.metrics["tg.billable_seconds"] >= 1


class ImpatientBackend(SagemakerBackend):
    """``tg-sagemaker``, but without the quarter of an hour that AWS may be away."""

    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        return SagemakerRemoteExecutor(
            delivery, pacing=Pacing(status_seconds=0.1, search_seconds=0.1, patience_seconds=1)
        )


def test_a_job_that_cannot_be_followed_goes_on_and_its_run_stays_open(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    job: Job,
    store: MlflowClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def expire() -> None:
        wait_for(lambda: bool(job.started))
        simulated_aws.faults.expired_keys.add(os.environ["AWS_ACCESS_KEY_ID"])

    expiring = threading.Thread(target=expire)
    expiring.start()
    with caplog.at_level(logging.INFO, "mlflow.tg_mlflow"):
        ended = ImpatientBackend().run(
            str(small_project.path), "main", {}, None, {}, store.tracking_uri, os.environ["MLFLOW_EXPERIMENT_ID"]
        )
    expiring.join()
    assert not ended.wait()
    run, (only,) = the_run(store), simulated_aws.jobs
    assert (run.info.status in ("RUNNING", "SCHEDULED"), only.status) == (True, "InProgress")
    assert f"Job {only.name} goes on; to record the rest later, run `tg-mlflow attach {ended.run_id}`" in caplog.text


def test_a_dry_run_prints_the_request_and_makes_nothing(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path, "--backend-config", '{"dry_run": true}') as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    text = launcher.output
    plan = json.loads(text[text.index("{\n") : text.rindex("}") + 1])
    assert plan["request"]["RoleArn"] == simulated_aws.role_arn
    assert plan["request"]["AlgorithmSpecification"]["TrainingImage"] == READY_NAME
    assert plan["push"] is None
    assert [each["to"].startswith(f"s3://{BUCKET}/") for each in plan["uploads"]] == [True, True]
    assert all_runs(store) == []
    assert simulated_aws.jobs == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"instance_typ": "ml.m5.large"}, "has the unknown key 'instance_typ'; did you mean 'instance_type'?"),
        ({"cpus": 2}, "has the key 'cpus', which is for tg-local; remove it"),
        ({"volume_gb": "30"}, "has 'volume_gb' = \"30\""),
        ({"bucket": "no-such-bucket-of-ours"}, "there is no bucket 'no-such-bucket-of-ours'; create it with"),
    ],
)
def test_a_wrong_key_is_told_in_one_line(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    store: MlflowClient,
    tmp_path: Path,
    config: dict[str, Any],
    message: str,
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path, "--backend-config", json.dumps(config)) as launcher:
        assert launcher.wait_for_end() == 1
    assert message in launcher.output
    assert "Traceback" not in launcher.output
    assert simulated_aws.jobs == []


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (("AWS_ROLE",), "no role is given, and this does not run inside SageMaker; set role, or AWS_ROLE"),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "no AWS region is known; set region, AWS_DEFAULT_REGION, or a region"),
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "redentials"),
    ],
)
def test_what_the_account_needs_is_told_in_one_line(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    store: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: tuple[str, ...],
    message: str,
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    with Launcher(small_project, "sagemaker", tmp_path) as launcher:
        assert launcher.wait_for_end() == 1
    assert the_run(store).info.status == "FAILED"
    assert message in the_run(store).data.tags["tg.failure_reason"]
    assert message in launcher.output
    assert "Traceback" not in launcher.output
    assert simulated_aws.jobs == []


def test_a_name_that_is_taken_leaves_the_other_job_alone(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, tmp_path: Path
) -> None:
    words = ("--backend-config", '{"job_name": "mine"}')
    with Launcher(small_project, "sagemaker", tmp_path, *words) as first:
        first.wait_for_step(1)
        with Launcher(small_project, "sagemaker", tmp_path, *words) as second:
            assert second.wait_for_end() == 1
        assert "there is a job 'mine' already; take another job_name, or leave it out" in second.output
        (only,) = simulated_aws.jobs
        assert only.status == "InProgress"
    assert sorted(run.info.status for run in all_runs(store)) == ["FAILED", "RUNNING"]
