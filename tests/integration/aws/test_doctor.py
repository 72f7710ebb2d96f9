"""What ``tg-mlflow doctor`` says of SageMaker, on an emulated AWS; nothing is left there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tg_mlflow.cli.main import main
from tg_mlflow.diagnosis import Finding, examine
from tg_mlflow.places import find_place, load_config

IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ready:1"
ROLE = "arn:aws:iam::123456789012:role/TrainingRole"
WELL = {
    "region": "eu-central-1",
    "credentials": "account 123456789012, arn:aws:iam::123456789012:user/trainer",
    "clock": "as AWS's, within a minute",
    "role": ROLE,
    "passing the role": "allowed, by IAM's simulation",
    "bucket": f"{BUCKET} in eu-central-1",
    "writing to the bucket": "yes",
    "instance type": "the quota 'ml.m5.large for training job usage' is 15",
}


@pytest.fixture
def aws(make_simulated_aws: Callable[..., AwsEmulator], monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    aws = make_simulated_aws()
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    return aws


Look = Callable[..., dict[str, Finding]]


@pytest.fixture
def look(aws: AwsEmulator, tmp_path: Path) -> Look:
    """Makes the place's checks; returns what they have found, by their names."""

    def look(**config: Any) -> dict[str, Finding]:
        place = find_place("tg-sagemaker")
        given = {"bucket": BUCKET, "image_uri": IMAGE, "project_name": "points", **config}
        checks = place.list_checks(load_config(place.config_model, tmp_path, given), tmp_path)
        return {each.name: each.finding for each in examine(place.name, checks)}

    return look


def test_an_account_in_which_trainings_run(aws: AwsEmulator, look: Look) -> None:
    found = look()
    assert {name: each.found for name, each in found.items()} == WELL
    assert {each.outcome.value for each in found.values()} == {"ok"}
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=BUCKET)
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=BUCKET)


def test_what_cannot_be_looked_at_is_skipped_and_said(aws: AwsEmulator, look: Look) -> None:
    for operation in ("iam:GetRole", "iam:SimulatePrincipalPolicy", "servicequotas:ListServiceQuotas"):
        aws.faults.deny(operation)
    found = look()
    skipped = {name: each.found for name, each in found.items() if each.outcome.value == "skipped"}
    user, advice = "arn:aws:iam::123456789012:user/trainer", "ask for that permission, or use other credentials"
    because = "because no identity-based policy allows the {0} action"
    denied = f"access is denied: User: {user} is not authorized to perform: {{0}} on resource: * {because}; {advice}"
    assert skipped == {
        "role": f"{ROLE}; not checked, as the permission iam:GetRole is missing",
        "passing the role": "not checked, as IAM does not simulate it: " + denied.format("iam:SimulatePrincipalPolicy"),
        "instance type": "ml.m5.large is known; the quota was not checked: "
        + denied.format("servicequotas:ListServiceQuotas"),
    }
    assert {each.outcome.value for name, each in found.items() if name not in skipped} == {"ok"}


def test_a_permission_that_trainings_need_is_a_problem(aws: AwsEmulator, look: Look) -> None:
    aws.faults.deny("iam:PassRole")
    aws.faults.deny("s3:PutObject")
    found = look()
    user = "arn:aws:iam::123456789012:user/trainer"
    assert {name: each for name, each in found.items() if each.outcome.value != "ok"} == {
        "passing the role": Finding.problem(
            f"{user} may not pass {ROLE} to SageMaker", "allow iam:PassRole for that role, as docs/iam.md says"
        ),
        "writing to the bucket": Finding.problem(
            f"nothing can be written to s3://{BUCKET}/sagemaker/points/packages/tg-mlflow-doctor: access is denied: "
            f"User: {user} is not authorized to perform: s3:PutObject on resource: "
            f"arn:aws:s3:::{BUCKET}/sagemaker/points/packages/tg-mlflow-doctor because no identity-based policy allows "
            "the s3:PutObject action",
            "ask for that permission, or use other credentials",
        ),
    }


def test_what_is_wrong_is_said_with_what_mends_it(look: Look) -> None:
    other = "arn:aws:iam::999999999999:role/Other"
    found = look(role=other, bucket="no-such", instance_type="ml.p3.2xlarge")
    assert {name: each for name, each in found.items() if each.outcome.value != "ok"} == {
        "role": Finding.problem(
            f"{other} is no role of account 123456789012, whose credentials are used",
            "correct role or AWS_ROLE, or use credentials of that account",
        ),
        "passing the role": Finding.skipped("not checked, as it needs role"),
        "bucket": Finding.problem("there is no bucket 'no-such'", "aws s3 mb s3://no-such"),
        "writing to the bucket": Finding.skipped("not checked, as it needs bucket"),
        "instance type": Finding.problem(
            "the quota 'ml.p3.2xlarge for training job usage' is 0, and a training needs 1",
            "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-00000002 "
            "--desired-value 1 --region eu-central-1",
        ),
    }


def test_a_role_that_is_not_there_and_a_quota_of_the_account(aws: AwsEmulator, look: Look) -> None:
    aws.faults.quotas = {"ml.c5.xlarge": 3, "ml.m5.large": 1}
    aws.faults.deny("s3:ListBucket")
    found = look(role="Nobody", instance_count=2, distribution={"kind": "dask"})
    assert found["role"] == Finding.problem(
        "there is no role 'Nobody' in account 123456789012",
        "correct role or AWS_ROLE, or create the role as docs/iam.md says",
    )
    assert found["instance type"].found == (
        "the quota 'ml.m5.large for training job usage' is 1, and a training needs 2"
    )
    assert found["bucket"].found == (
        f"bucket '{BUCKET}' cannot be used: access is denied: the permission s3:ListBucket may be missing"
    )


def test_a_role_that_sagemaker_may_not_take(aws: AwsEmulator, look: Look) -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]
    }
    boto3.client("iam").create_role(RoleName="Elsewhere", AssumeRolePolicyDocument=json.dumps(trust))
    found = look(role="Elsewhere")
    assert found["role"].found == (
        "arn:aws:iam::123456789012:role/Elsewhere does not trust sagemaker.amazonaws.com, which is to take it"
    )
    assert found["passing the role"] == Finding.skipped("not checked, as it needs role")


def test_credentials_that_are_refused_let_the_rest_be_skipped(aws: AwsEmulator, look: Look) -> None:
    aws.faults.expired_keys.add(aws.environment["AWS_ACCESS_KEY_ID"])
    found = look()
    assert found["credentials"].outcome.value == "problem"
    assert found["credentials"].remedy == "renew them, for example with `aws sso login`"
    assert found["clock"] == Finding.ok(
        WELL["clock"]
    )  # which might be the reason, and answers that refuse tell the time
    others = [each for name, each in found.items() if name not in ("region", "clock", "credentials")]
    assert set(others) == {Finding.skipped("not checked, as it needs credentials")}


def test_without_credentials_a_place_that_nobody_has_named_is_no_problem(
    aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    place = find_place("tg-sagemaker")
    checks = place.list_checks(load_config(place.config_model, tmp_path, {}), tmp_path)
    found = {each.name: each.finding for each in examine(place.name, checks, is_asked_for=False)}
    assert [(name, each.outcome.value) for name, each in found.items()] == [
        ("region", "ok"),
        ("clock", "skipped"),
        ("credentials", "warning"),
        ("the rest", "skipped"),
    ]
    assert found["credentials"].found.startswith("AWS cannot be used: no AWS credentials are found")
    assert aws.calls == []


def test_as_json_with_an_exit_code_and_no_secret(
    aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    config = json.dumps({"bucket": "no-such", "image_uri": IMAGE})
    result = CliRunner().invoke(main, ["doctor", "--backend", "tg-sagemaker", "--json", "--backend-config", config])
    said = json.loads(result.stdout)
    assert (result.exit_code, said["is_ok"]) == (1, False)
    assert [each for each in said["checks"] if each["check"] == "bucket"] == [
        {
            "subject": "tg-sagemaker",
            "check": "bucket",
            "outcome": "problem",
            "found": "there is no bucket 'no-such'",
            "remedy": "aws s3 mb s3://no-such",
        }
    ]
    assert aws.environment["AWS_SECRET_ACCESS_KEY"] not in result.output
