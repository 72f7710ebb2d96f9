"""What users of ``tg-sagemaker`` may forget or mistake: each is told in one line, before anything slow is done."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import Job, states_of, the_run, train, train_to_fail
from tests.integration.aws.support import BUCKET, build_request
from tests.launcher import Launcher
from tests.processes import wait_for
from tests.support import ProjectFolder, all_runs

LOOKS = {
    "sts:GetCallerIdentity",
    "s3:HeadBucket",
    "s3:HeadObject",
    "s3:ListObjectsV2",
    "sagemaker:DescribeTrainingJob",
}
"""What changes nothing and takes no time."""

NO_ACCESS = "access is denied: User: arn:aws:iam::123456789012:user/trainer is not authorized to perform: "
ASK = "; ask for that permission, or use other credentials"


@pytest.fixture
def built_project(small_project: ProjectFolder) -> ProjectFolder:
    """One whose image would have to be built, and whose build would not even find Docker."""
    config = {"bucket": BUCKET, "docker_host": "tcp://127.0.0.1:9", "dataset": "points.parquet"}
    small_project.write("tg.json", json.dumps(config))
    return small_project


@pytest.mark.parametrize(
    ("unset", "denied", "config", "reason"),
    [
        (
            ("AWS_ROLE",),
            (),
            {},
            "no role is given, and this does not run inside SageMaker; set role, or AWS_ROLE, to the ARN or the name "
            "of the role that training jobs have",
        ),
        (
            ("AWS_REGION", "AWS_DEFAULT_REGION"),
            (),
            {},
            "no AWS region is known; set region, AWS_DEFAULT_REGION, or a region in the profile",
        ),
        (
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            (),
            {},
            "AWS cannot be used: no AWS credentials are found; run `aws configure` or `aws sso login`, or set profile, "
            "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        (
            (),
            (),
            {"profile": "ours"},
            "AWS cannot be used: the AWS profile 'ours' is not configured; there is nothing",
        ),
        (
            (),
            (),
            {"bucket": "no-such-bucket-of-ours"},
            "there is no bucket 'no-such-bucket-of-ours'; create it with `aws s3 mb s3://no-such-bucket-of-ours`, "
            "correct bucket, or leave it out for SageMaker's default one",
        ),
        (
            (),
            ("s3:ListBucket",),
            {},
            "bucket 'tg-test-bucket' cannot be used: access is denied: the permission s3:ListBucket may be missing"
            f"{ASK}",
        ),
        (
            (),
            ("s3:GetObject",),
            {},
            "'s3://tg-test-bucket/sagemaker/points/datasets/points.parquet' cannot be looked at: access is denied: the "
            f"permission s3:GetObject and s3:ListBucket may be missing{ASK}",
        ),
        (
            (),
            (),
            {},
            "the dataset is not in S3: there is no 's3://tg-test-bucket/sagemaker/points/datasets/points.parquet' "
            "('sagemaker/points/datasets/' holds nothing); upload it with `tg-mlflow upload-dataset`, or "
            "`upload_dataset()` in Python, or correct dataset, project_name or bucket",
        ),
        (
            (),
            ("sagemaker:DescribeTrainingJob",),
            {"dataset": None, "job_name": "ours"},
            f"job 'ours' cannot be looked for: {NO_ACCESS}sagemaker:DescribeTrainingJob on resource: "
            "arn:aws:sagemaker:eu-central-1:123456789012:training-job/ours because no identity-based policy allows the "
            f"sagemaker:DescribeTrainingJob action{ASK}",
        ),
        (
            (),
            (),
            {"dataset": None, "job_name": "mine"},
            "there is a job 'mine' already; take another job_name, or leave it out",
        ),
        (
            (),
            (),
            {"dataset": None, "volume_gb": 0},
            "volume_gb is 0; give 1 or more, at most 16384",
        ),
    ],
    ids=[
        "no role",
        "no region",
        "no credentials",
        "no such profile",
        "no such bucket",
        "bucket denied",
        "dataset denied",
        "dataset not uploaded",
        "jobs denied",
        "name taken",
        "disk too small",
    ],
)
def test_what_can_be_known_is_told_before_anything_slow(
    built_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    store: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
    unset: tuple[str, ...],
    denied: tuple[str, ...],
    config: dict[str, Any],
    reason: str,
) -> None:
    boto3.client("sagemaker").create_training_job(**build_request(simulated_aws, "mine"))
    simulated_aws.calls.clear()
    for name in unset:
        monkeypatch.delenv(name)
    for action in denied:
        simulated_aws.faults.deny(action)
    said = train_to_fail(built_project, store, **config)
    run = the_run(store)
    assert said == f"Run {run.info.run_id} FAILED: {reason}"
    assert (run.info.status, run.data.tags["tg.failure_reason"]) == ("FAILED", reason)
    assert simulated_aws.calls.names() <= LOOKS
    assert states_of(simulated_aws) == ["InProgress"]  # the other one


@pytest.mark.parametrize(
    ("key", "value"), [("instance_type", "ml.m5.larg"), ("fallback_instance_types", ["ml.m5.larg"])]
)
def test_a_machine_that_there_is_not(
    built_project: ProjectFolder, simulated_aws: AwsEmulator, store: MlflowClient, key: str, value: object
) -> None:
    said = train_to_fail(built_project, store, **{key: value})
    begun = f"Run {the_run(store).info.run_id} FAILED: instance_type 'ml.m5.larg' is not known to botocore "
    assert said.startswith(begun)
    assert "; did you mean 'ml.m5.large'?" in said
    assert said.endswith(" (for a newer one, upgrade boto3)")
    assert simulated_aws.calls.names() <= LOOKS
    assert the_run(store).info.status == "FAILED"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"instance_typ": "ml.m5.large"}, "has the unknown key 'instance_typ'; did you mean 'instance_type'?"),
        ({"cpus": 2}, "has the key 'cpus', which is for tg-local; remove it"),
        ({"volume_gb": "30"}, "has 'volume_gb' = \"30\": Input should be a valid integer"),
    ],
)
def test_a_wrong_key_makes_no_run(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, store: MlflowClient, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExecutionException) as caught:
        train(small_project, store, **config)
    assert str(caught.value) == f"the backend config {message}"
    assert (all_runs(store), list(simulated_aws.calls)) == ([], [])


@pytest.mark.parametrize(
    ("config", "message", "statuses"),
    [
        ('{"instance_typ": "ml.m5.large"}', "the backend config has the unknown key 'instance_typ'; did you mean", []),
        ('{"bucket": "no-such-bucket-of-ours"}', " FAILED: there is no bucket 'no-such-bucket-of-ours'", ["FAILED"]),
    ],
)
def test_the_command_says_it_and_fails(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    store: MlflowClient,
    tmp_path: Path,
    config: str,
    message: str,
    statuses: list[str],
) -> None:
    with Launcher(small_project, "sagemaker", tmp_path, "--backend-config", config) as launcher:
        assert launcher.wait_for_end() == 1
    assert launcher.output.count(message) == 1
    assert "Traceback" not in launcher.output
    assert [run.info.status for run in all_runs(store)] == statuses
    assert states_of(simulated_aws) == []


def test_a_name_that_is_taken_leaves_the_other_job_alone(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(train, small_project, store, job_name="mine")
        wait_for(lambda: bool(job.started))
        uploads = len(simulated_aws.calls.of("s3:PutObject"))
        said = train_to_fail(small_project, store, job_name="mine")
        assert said.endswith(" FAILED: there is a job 'mine' already; take another job_name, or leave it out")
        assert len(simulated_aws.calls.of("s3:PutObject")) == uploads
        assert states_of(simulated_aws) == ["InProgress"]
        job.may_end.set()
        assert first.result().wait()
    assert sorted(run.info.status for run in all_runs(store)) == ["FAILED", "FINISHED"]
