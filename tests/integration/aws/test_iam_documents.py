"""The documents in ``docs/iam`` are such as AWS takes, and ``docs/iam.md`` explains all of them."""

import json
import re
from pathlib import Path

import boto3
import botocore.session
import pytest

from tests.integration.aws.numbers import MakeAws
from tests.integration.aws.policy import FOLDER, VALUES, as_list, list_documents, read_document

# AWS knows no resources of these; and what EC2 has can be looked at as a whole only.
WITHOUT_RESOURCE = {
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "pricing:GetProducts",
    "sagemaker:ListTrainingJobs",
    "servicequotas:ListAWSDefaultServiceQuotas",
    "servicequotas:ListServiceQuotas",
}
# Services that the SDK calls otherwise than permissions do.
SDK_NAMES = {"servicequotas": "service-quotas"}
# Permissions that are not called as the operation that needs them.
NOT_OPERATIONS = {"iam:PassRole", "s3:ListBucket"}
LONGEST_POLICY = 6144  # characters without blanks


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.stem)
def test_documents_are_valid(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert set(document) == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    assert len(json.dumps(document, separators=(",", ":"))) < LONGEST_POLICY
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    subject = "Principal" if path.stem.endswith("-trust") else "Resource"
    for statement in document["Statement"]:
        assert set(statement) - {"Condition"} == {"Sid", "Effect", "Action", subject}
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        assert statement["Effect"] == "Allow"
        actions = as_list(statement["Action"])
        assert actions == sorted(actions)
        assert [action for action in actions if not is_known(action)] == []
        if statement.get("Resource") == "*":
            assert set(actions) <= WITHOUT_RESOURCE
    words = set(re.findall(r"(?<![A-Za-z])[A-Z]+(?:_[A-Z]+)*(?![A-Za-z_])", json.dumps(document)))
    assert words <= set(VALUES)


def is_known(action: str) -> bool:
    """Whether it is the name of an operation, as far as it is called so, with no ``*`` in it."""
    service, _, operation = action.partition(":")
    return action in NOT_OPERATIONS or operation in _operations(service)


def _operations(service: str) -> list[str]:
    names: list[str] = botocore.session.get_session().get_service_model(SDK_NAMES.get(service, service)).operation_names
    return names


def test_iam_takes_the_documents(make_simulated_aws: MakeAws) -> None:
    make_simulated_aws()
    iam = boto3.client("iam")
    for path in list_documents():
        text = read_document(path, VALUES)
        if path.stem.endswith("-trust"):
            iam.create_role(RoleName=path.stem, AssumeRolePolicyDocument=text)
        else:
            iam.create_policy(PolicyName=path.stem, PolicyDocument=text)


def test_the_page_explains_every_document_and_statement() -> None:
    page = FOLDER.with_suffix(".md").read_text(encoding="utf-8")
    for path in list_documents():
        assert f"(iam/{path.name})" in page
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            assert f"`{statement['Sid']}`" in page, statement["Sid"]
    for word in VALUES:
        assert f"`{word}`" in page
