"""The policies in ``docs/iam`` allow what a training on SageMaker needs, and nothing besides."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.registry import Registry
from tests.integration.aws.numbers import FAST, MakeAws, count, make, output_of, wait
from tests.integration.aws.policy import ACCOUNT_ID, NEEDS_NO_PERMISSION, REGION, VALUES, Policy, as_list
from tests.integration.aws.support import BUCKET
from tests.integration.aws.test_remote_training import config, images
from tests.integration.docker.conftest import build_options
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import (
    JobStatus,
    RemoteOptions,
    SagemakerConfig,
    SagemakerOptions,
    SagemakerRemoteExecutor,
    SharedAccount,
)
from tg_mlflow.places.instance_price import find_instance_price

__all__ = ["build_options", "config", "images"]

DEFAULT_BUCKET = f"sagemaker-{REGION}-{ACCOUNT_ID}"
JOBS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:training-job"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/aws/sagemaker/TrainingJobs"
PROJECT = f"arn:aws:s3:::{BUCKET}/sagemaker/numbers"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/tg-mlflow/numbers"

# What ECR wants of those who speak to its registry, by method and by kind of thing.
REGISTRY_ACTIONS = {
    ("GET", "manifests"): "ecr:BatchGetImage",
    ("HEAD", "manifests"): "ecr:BatchGetImage",
    ("PUT", "manifests"): "ecr:PutImage",
    ("HEAD", "blobs"): "ecr:BatchCheckLayerAvailability",
    ("GET", "blobs"): "ecr:GetDownloadUrlForLayer",
    ("POST", "uploads"): "ecr:InitiateLayerUpload",
    ("PATCH", "uploads"): "ecr:UploadLayerPart",
    ("PUT", "uploads"): "ecr:CompleteLayerUpload",
}


def with_options(
    executor: SagemakerRemoteExecutor, remote: dict[str, Any] | None = None, **changes: Any
) -> SagemakerRemoteExecutor:
    options: SagemakerOptions = replace(executor.config.options, **changes)
    options = replace(options, remote=replace(options.remote, **(remote or {})))
    return SagemakerRemoteExecutor(replace(executor.config, options=options), pacing=FAST)


def write_dataset(folder: Path, size_bytes: int = 100) -> None:
    file = folder / "numbers" / "table" / "part.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"1" * size_bytes)


def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    return (wait if request["TrainingJobName"] == "endless" else count)(request, write_line, is_stopped)


def put_result(aws: AwsEmulator, job_id: str) -> None:
    """Does what the container of a job does otherwise."""
    content, mark = io.BytesIO(), json.dumps({"state": "completed", "members": []}).encode()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo("completed.json")
        member.size = len(mark)
        archive.addfile(member, io.BytesIO(mark))
    key = f"sagemaker/numbers/output/{job_id}/output/model.tar.gz"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())


def actions_of(policy: Policy) -> set[str]:
    return {action for statement in policy.statements for action in as_list(statement["Action"])}


def test_the_caller_can_do_all_that_it_may_and_may_do_no_more(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(run_job)
    policy = aws.faults.policy = Policy("caller")
    write_dataset(tmp_path)
    executor = with_options(make(aws, tmp_path, tags={"team": "blue"}), dataset="table")
    executor.upload_dataset()
    assert executor.plan().request["TrainingJobName"]
    job_id = executor.execute()
    assert executor.status(job_id).status is JobStatus.COMPLETED
    assert executor.facts(job_id).tags["instance_type"] == "ml.m5.large"
    assert len(output_of(executor.logs(job_id))) == 300
    put_result(aws, job_id)
    with executor.load_result(job_id) as archive:
        assert archive.list() == ["completed.json"]
    with pytest.raises(DeliveryError, match="already; take another job_name"):
        executor.submit(job_id)
    endless = with_options(executor, {"job_name": "endless"})
    endless.submit()
    endless.cancel("endless")
    assert endless.status("endless").status is JobStatus.STOPPED
    # What is left of an upload that has failed is removed.
    write_dataset(tmp_path, 9 << 20)
    aws.faults.deny("s3:UploadPart")
    with pytest.raises(DeliveryError, match="access is denied"):
        executor.upload_dataset()
    assert policy.denied == set()
    assert policy.list_unused() == set()
    assert aws.calls.actions() - NEEDS_NO_PERMISSION == actions_of(policy) - {"iam:PassRole", "sagemaker:AddTags"}


def test_what_is_not_allowed_is_refused_before_anything_is_done(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws()
    policy = aws.faults.policy = Policy("caller", PROJECT="others")
    write_dataset(tmp_path)
    executor = with_options(make(aws, tmp_path), dataset="table")
    with pytest.raises(DeliveryError, match=r"access is denied: the permission s3:GetObject and s3:ListBucket may be"):
        executor.upload_dataset()
    with pytest.raises(DeliveryError, match=r"access is denied: the permission s3:GetObject and s3:ListBucket may be"):
        executor.submit()
    assert policy.denied == {
        ("s3:GetObject", f"{PROJECT}/datasets/table/part.bin"),
        ("s3:GetObject", f"{PROJECT}/datasets/table"),
    }
    assert aws.calls.of("s3:PutObject") + aws.calls.of("sagemaker:CreateTrainingJob") == []


def test_the_default_bucket_is_created(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(run_job)
    policy = Policy("caller", "caller-default-bucket", BUCKET=DEFAULT_BUCKET)
    aws.faults.policy = policy
    write_dataset(tmp_path)
    executor = with_options(make(aws, tmp_path), bucket=None, dataset="table")
    executor.upload_dataset()
    executor.execute()
    assert aws.jobs[0].request["OutputDataConfig"]["S3OutputPath"].startswith(f"s3://{DEFAULT_BUCKET}/")
    # The SDK looks among all buckets first, and does without if it may not.
    assert policy.denied == {("s3:ListAllMyBuckets", "*")}
    assert "CreateTheDefaultBucket" not in {sid for sid, _ in policy.list_unused()}


def test_a_dry_run_may_ask_for_prices(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(run_job)
    policy = aws.faults.policy = Policy("caller-prices")
    assert find_instance_price(make(aws, tmp_path).aws, "ml.m5.large").usd_per_hour is not None
    assert (policy.denied, policy.list_unused()) == (set(), set())


def test_many_jobs_may_be_listed(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    policy = aws.faults.policy = Policy("caller", "caller-many-jobs")
    account = SharedAccount(REGION, pacing=FAST)
    executors = [make(aws, tmp_path, account=account) for _ in range(8)]
    jobs = [each.submit() for each in executors]
    for executor, job in zip(executors, jobs, strict=True):
        assert not executor.status(job).status.is_final
    assert set(account.statuses()) == set(jobs)
    for executor, job in zip(executors, jobs, strict=True):
        executor.cancel(job)
    assert "ListJobs" not in {sid for sid, _ in policy.list_unused()}
    assert policy.denied == set()


def test_an_image_is_built_pushed_and_trained(
    config: SagemakerConfig, aws: AwsEmulator, registry: Registry, images: None
) -> None:
    values = {"PROJECT": "points", "REPOSITORY": "points"}
    policy = Policy("caller", "caller-image-push", **values)
    aws.faults.policy = policy
    config = replace(config, options=replace(config.options, remote=RemoteOptions(checkpoints=True)))
    executor = SagemakerRemoteExecutor(config, pacing=FAST)
    executor.upload_dataset()
    said_before = len(registry.lines)
    job_id = executor.execute()
    with executor.load_result(job_id) as archive:
        assert "completed.json" in archive.list()
    assert policy.denied == set()

    asked = read_registry_actions(registry.lines[said_before:])
    # Docker reads an image's configuration when it is asked for a digest, and does without if it may not.
    assert asked - {"ecr:GetDownloadUrlForLayer"} == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    }
    pushing = Policy("caller-image-push", **values)
    assert asked | aws.calls.actions() >= actions_of(pushing)

    role = Policy("execution-role", **values)
    assert {call.action for call in aws.role_calls} == {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    assert [call for call in aws.role_calls if not role(call)] == []


def read_registry_actions(lines: list[str]) -> set[str]:
    """What the access log of a registry says that Docker has done."""
    requests = re.findall(
        r'"([A-Z]+) /v2/\S+?/(manifests|blobs/uploads|blobs)/\S* HTTP/[^"]+" .*docker/', "".join(lines)
    )
    return {REGISTRY_ACTIONS[method, kind.rpartition("/")[2]] for method, kind in requests}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/sagemaker/others/datasets/a", {}),
        ("s3:PutObject", f"{PROJECT}/output/job/output/model.tar.gz", {}),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/private/a", {}),
        ("s3:DeleteObject", f"{PROJECT}/datasets/a", {}),
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {"s3:prefix": "private/"}),
        ("s3:CreateBucket", f"arn:aws:s3:::{BUCKET}", {}),
        ("sagemaker:AddTags", f"{JOBS}/another", {}),
        ("sagemaker:DeleteTrainingJob", f"{JOBS}/another", {}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/Admin", {"iam:PassedToService": "sagemaker.amazonaws.com"}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/TrainingRole", {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("logs:GetLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/aws/lambda/a:log-stream:b", {}),
        ("ecr:PutImage", f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/shop", {}),
        ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{VALUES['KEY_ID']}", {}),
    ],
)
def test_the_caller_may_do_nothing_else(action: str, resource: str, context: dict[str, str]) -> None:
    policy = Policy("caller", "caller-image-push", "caller-default-bucket", "caller-kms", "caller-prices")
    assert not policy.allows(action, resource, context)


# What AWS says that it does in a job's role; only what it does in S3 can be seen here.
IN_THE_ROLE = [
    ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {"s3:prefix": "sagemaker/numbers/datasets/table/"}),
    ("s3:GetObject", f"{PROJECT}/datasets/table/part.bin", {}),
    ("s3:GetObject", f"{PROJECT}/packages/1234/Numbers-0.tar.gz", {}),
    ("s3:GetObject", f"{PROJECT}/checkpoints/job/state.pt", {}),
    ("s3:PutObject", f"{PROJECT}/checkpoints/job/state.pt", {}),
    ("s3:PutObject", f"{PROJECT}/output/job/output/model.tar.gz", {}),
    ("s3:AbortMultipartUpload", f"{PROJECT}/output/job/output/model.tar.gz", {}),
    ("ecr:GetAuthorizationToken", "*", {}),
    ("ecr:BatchCheckLayerAvailability", REPOSITORY, {}),
    ("ecr:BatchGetImage", REPOSITORY, {}),
    ("ecr:GetDownloadUrlForLayer", REPOSITORY, {}),
    ("logs:CreateLogGroup", LOGS, {}),
    ("logs:DescribeLogStreams", f"{LOGS}:log-stream:", {}),
    ("logs:CreateLogStream", f"{LOGS}:log-stream:job/algo-1-1700000000", {}),
    ("logs:PutLogEvents", f"{LOGS}:log-stream:job/algo-1-1700000000", {}),
    ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}),
]


def test_a_job_may_do_what_sagemaker_does_in_its_role_and_no_more() -> None:
    role = Policy("execution-role")
    assert [each for each in IN_THE_ROLE if not role.allows(*each)] == []
    assert role.list_unused() == set()
    assert not role.allows("s3:PutObject", f"{PROJECT}/datasets/table/part.bin")
    assert not role.allows("s3:GetObject", f"{PROJECT}/output/another/output/model.tar.gz")
    assert not role.allows("s3:DeleteObject", f"{PROJECT}/output/job/output/model.tar.gz")
    assert not role.allows("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Shop"})
    assert not role.allows("logs:GetLogEvents", f"{LOGS}:log-stream:another")
    assert not role.allows("sagemaker:CreateTrainingJob", f"{JOBS}/another")
