"""Permissions that users of ``tg-sagemaker`` lack, which shows only when they are needed: one line each, and no job."""

import json
import re

import pytest
from docker import DockerClient
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import Job, states_of, the_run, train_to_fail
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder
from tg_mlflow.takeover.attach import attach
from tg_mlflow.tracking.client import TrackingClient

NO_ACCESS = "access is denied: User: arn:aws:iam::123456789012:user/trainer is not authorized to perform: "
ASK = "; ask for that permission, or use other credentials"


@pytest.mark.parametrize(
    ("denied", "reason"),
    [
        (
            "s3:PutObject",
            f"'FOLDER/Task.tar.gz' cannot be uploaded to 's3://tg-test-bucket/sagemaker/points/packages/Task.tar.gz': "
            f"{NO_ACCESS}s3:PutObject on resource: arn:aws:s3:::tg-test-bucket/sagemaker/points/packages/Task.tar.gz "
            f"because no identity-based policy allows the s3:PutObject action{ASK}",
        ),
        (
            "sagemaker:CreateTrainingJob",
            f"job 'ours' cannot be created: {NO_ACCESS}sagemaker:CreateTrainingJob on resource: "
            "arn:aws:sagemaker:eu-central-1:123456789012:training-job/ours because no identity-based policy allows the "
            f"sagemaker:CreateTrainingJob action{ASK}",
        ),
        (
            "iam:PassRole",
            f"job 'ours' cannot be created: {NO_ACCESS}iam:PassRole on resource: "
            "arn:aws:iam::123456789012:role/TrainingRole because no identity-based policy allows the iam:PassRole "
            f"action{ASK}",
        ),
    ],
)
def test_a_permission_that_is_missing(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, store: MlflowClient, denied: str, reason: str
) -> None:
    simulated_aws.faults.deny(denied)
    said = train_to_fail(small_project, store, job_name="ours")
    run = the_run(store)
    said = re.sub(r"'/\S*/Task-\w{8}\.", "'FOLDER/Task.", re.sub(r"\w{64}/Task-\w{8}\.", "Task.", said))
    assert said == f"Run {run.info.run_id} FAILED: {reason}"
    assert run.info.status == "FAILED"
    assert states_of(simulated_aws) == []


def test_a_job_whose_log_may_not_be_read_goes_on(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient
) -> None:
    simulated_aws.faults.deny("logs:*")
    said = train_to_fail(small_project, store, job_name="ours")
    run = the_run(store)
    assert said == (
        f"Run {run.info.run_id} RUNNING: job 'ours' cannot be looked at: {NO_ACCESS}logs:DescribeLogStreams on "
        "resource: arn:aws:logs:eu-central-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:log-stream: because no "
        f"identity-based policy allows the logs:DescribeLogStreams action{ASK}; the job goes on and can be followed "
        "again when that is settled"
    )
    assert simulated_aws.calls.of("sagemaker:StopTrainingJob") == []
    simulated_aws.faults.allow("logs:*")
    job.may_end.set()
    attach(TrackingClient(store.tracking_uri), run.info.run_id)
    assert the_run(store).info.status == "FINISHED"
    assert states_of(simulated_aws) == ["Completed"]


def test_a_role_that_does_not_exist(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, store: MlflowClient
) -> None:
    said = train_to_fail(small_project, store, role="NoSuchRole", job_name="ours")
    assert said == (
        f"Run {the_run(store).info.run_id} FAILED: job 'ours' cannot be created: CreateTrainingJob answers "
        "ValidationException: Could not assume role arn:aws:iam::123456789012:role/NoSuchRole. Please ensure that the "
        "role exists and allows principal 'sagemaker.amazonaws.com' to assume the role."
    )
    assert states_of(simulated_aws) == []


@pytest.mark.parametrize(
    ("denied", "what", "resource"),
    [
        ("ecr:DescribeRepositories", "cannot be used", "repository/tg-mlflow/points"),
        ("ecr:CreateRepository", "cannot be used", "repository/tg-mlflow/points"),
        ("ecr:GetAuthorizationToken", "gives no token", "*"),
    ],
)
def test_no_image_is_built_that_cannot_be_pushed(
    small_project: ProjectFolder,
    simulated_aws: AwsEmulator,
    docker_daemon: DockerClient,
    store: MlflowClient,
    denied: str,
    what: str,
    resource: str,
) -> None:
    small_project.write("tg.json", json.dumps({"bucket": BUCKET, "base_image": "tg-test-no-such-image:0"}))
    simulated_aws.faults.deny(denied)
    arn = resource if resource == "*" else f"arn:aws:ecr:eu-central-1:123456789012:{resource}"
    assert train_to_fail(small_project, store) == (
        f"Run {the_run(store).info.run_id} FAILED: the ECR repository 'tg-mlflow/points' {what}: {NO_ACCESS}{denied} "
        f"on resource: {arn} because no identity-based policy allows the {denied} action{ASK}"
    )
    assert states_of(simulated_aws) == []
