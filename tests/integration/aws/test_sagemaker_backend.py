"""The backend ``tg-sagemaker``: real commands against an emulated AWS, from the example to an attach elsewhere."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from docker import DockerClient
from docker.errors import APIError
from mlflow import MlflowClient
from mlflow.entities import Run

from tests import warm
from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import (
    FIRST_HALF,
    POINTS,
    READY_NAME,
    Job,
    artifacts_of,
    points_of,
    states_of,
    the_run,
)
from tests.integration.aws.support import BUCKET
from tests.integration.docker.conftest import build_options
from tests.launcher import Launcher, attach
from tests.processes import wait_for
from tests.support import ROOT, ProjectFolder, all_runs
from tg.common.delivery.delivery import ImageBuildOptions

__all__ = ["build_options"]

NO_VIEWS = {"figures": False, "model": False}
METRICS = {"accuracy_score_test", "accuracy_score_train", "roc_auc_score_test", "roc_auc_score_train"}


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
    warm.run([str(project.path / "prepare_data.py")], check=True)
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
        with suppress(APIError):  # of another test's container, which removes it itself
            docker_daemon.images.remove(image.id, force=True)


def trained_metrics(run: Run) -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if not name.startswith("tg.")}


def test_the_example_trains_as_in_a_local_container(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(example, "local", tmp_path, "-P", "C=0.5") as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    aws.faults.hold_ends()
    with Launcher(example, "sagemaker", tmp_path, "-P", "C=0.5") as launcher:
        launcher.wait_for(" Uploading - ")
        # Live: the job does not end by itself.
        wait_for(lambda: set(trained_metrics(all_runs(store)[-1])) == METRICS)
        assert (all_runs(store)[-1].info.status, states_of(aws)) == ("RUNNING", ["InProgress"])
        aws.faults.release_ends()
        assert launcher.wait_for_end() == 0, launcher.output
    here, there = all_runs(store)
    assert (here.info.status, here.data.tags["tg.place"]) == ("FINISHED", "tg-local")
    assert (there.info.status, there.data.tags["tg.place"]) == ("FINISHED", "tg-sagemaker")
    assert states_of(aws) == ["Completed"]
    assert trained_metrics(there) == trained_metrics(here)
    assert set(trained_metrics(there)) == METRICS
    made = {"environment.json", "figures", "logs", "package", "result", "tables", "task.json"}
    assert artifacts_of(store, there) == made
    assert artifacts_of(store, there) == artifacts_of(store, here)
    assert artifacts_of(store, there, "logs") == {"logs/train.log"}
    assert artifacts_of(store, there, "result") == {"result/model.tar.gz"}
    (package,) = artifacts_of(store, there, "package")
    assert re.fullmatch(r"package/SingleFrameTrainingTask-[0-9a-f]{8}\.tar\.gz", package)
    assert artifacts_of(store, here, "package") == {package}
    tags, job_id = there.data.tags, there.data.tags["tg.job_id"]
    assert tags["tg.instance_type"] == "ml.m5.large"
    assert tags["tg.region"] == "eu-central-1"
    assert tags["tg.console_url"].endswith(f"/sagemaker/home?region=eu-central-1#/jobs/{job_id}")
    assert tags["tg.result_uri"] == f"s3://{BUCKET}/sagemaker/breast_cancer/output/{job_id}/output/model.tar.gz"
    assert there.data.metrics["tg.billable_seconds"] >= 1
    (data_here,), (data_there,) = here.inputs.dataset_inputs, there.inputs.dataset_inputs
    assert (data_there.dataset.digest, data_there.dataset.schema) == (
        data_here.dataset.digest,
        data_here.dataset.schema,
    )
    # In one experiment, MLflow keeps one dataset of a name and digest, with the source that it first had.
    assert tags["tg.dataset_uri"] == f"s3://{BUCKET}/sagemaker/breast_cancer/datasets/breast_cancer.parquet"
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_training_falls_back_to_another_machine(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    aws.faults.capacity_errors.add("ml.m5.large")
    for operation in ("ecr:DescribeRepositories", "ecr:CreateRepository", "ecr:GetAuthorizationToken"):
        aws.faults.throttle(operation)
        aws.faults.break_down(operation)
    keys = {"fallback_instance_types": ["ml.m5.xlarge"], "job_name": "falling-back", "log": NO_VIEWS}
    config = json.dumps(keys)
    with Launcher(example, "sagemaker", tmp_path, "--backend-config", config) as launcher:
        assert launcher.wait_for_end() == 0, launcher.output
    assert "No ml.m5.large is available; the training is submitted again on ml.m5.xlarge" in launcher.output
    run = the_run(store)
    assert (run.info.status, run.data.tags["tg.job_id"]) == ("FINISHED", "falling-back-2")
    assert run.data.tags["tg.instance_type"] == "ml.m5.xlarge"
    assert json.loads(run.data.tags["tg.state"])["earlier_jobs"] == ["falling-back"]
    assert [(each.name, each.status) for each in aws.jobs] == [
        ("falling-back", "Failed"),
        ("falling-back-2", "Completed"),
    ]


def test_an_attach_elsewhere_takes_over(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, tmp_path: Path
) -> None:
    aws.faults.hold_starts()
    words = ("--backend-config", json.dumps({"log": NO_VIEWS}))
    with Launcher(example, "sagemaker", tmp_path, *words) as launcher:
        wait_for(lambda: bool(aws.jobs) and the_run(store).info.status == "SCHEDULED", 120)
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
        launcher.wait_for_step(FIRST_HALF[-1][0])
        # Live: the job does not end by itself.
        wait_for(lambda: the_run(store).info.status == "RUNNING" and "loss" in the_run(store).data.metrics)
        wait_for(lambda: points_of(store, the_run(store)) == FIRST_HALF)
        launcher.press_ctrl_c()
        assert launcher.wait_for_end() == 1, launcher.output
    run = the_run(store)
    assert run.info.status == "KILLED"
    (only,) = simulated_aws.jobs
    assert (only.name, only.status) == (run.data.tags["tg.job_id"], "Stopped")
    assert {"Key": "team", "Value": "a b"} in only.request["Tags"]
    assert points_of(store, run) == FIRST_HALF


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
    assert points_of(store, run) == POINTS
    assert run.data.metrics["tg.instance_count"] == 1
    assert "Traceback" not in launcher.output


def test_an_attach_in_the_middle_doubles_nothing(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, tmp_path: Path
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path) as launcher:
        launcher.wait_for_step(FIRST_HALF[-1][0])
        wait_for(lambda: points_of(store, the_run(store)) == FIRST_HALF)
        launcher.kill()
    assert the_run(store).info.status == "RUNNING"
    job.may_end.set()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = attach(the_run(store).info.run_id, elsewhere)
    run = the_run(store)
    assert (result.returncode, run.info.status) == (0, "FINISHED"), result.stderr
    assert points_of(store, run) == POINTS
    assert artifacts_of(store, run) == {"logs", "package", "result", "task.json"}
    assert run.data.metrics["tg.billable_seconds"] >= 1
    assert states_of(simulated_aws) == ["Completed"]


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
