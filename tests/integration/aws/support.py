"""Requests, logs and images for tests that speak to an emulated AWS with plain boto3."""

import base64
import io
import tarfile
import textwrap
from typing import Any

import boto3
import docker

from tests.aws_emulator import AwsEmulator

BUCKET = "tg-test-bucket"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/train:1"


def build_request(aws: AwsEmulator, name: str, script: str = "", image: str = IMAGE, **changes: Any) -> dict[str, Any]:
    """The smallest request for a job; ``script`` is what a container of the script image runs."""
    encoded = base64.b64encode(textwrap.dedent(script).encode()).decode()
    return {
        "TrainingJobName": name,
        "RoleArn": aws.role_arn,
        "HyperParameters": {"script": encoded},
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **changes,
    }


def build_channel(name: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}


def list_streams(job_name: str) -> list[str]:
    """The streams of a job; none as long as there is no group."""
    logs = boto3.client("logs")
    try:
        answer = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job_name}/")
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [stream["logStreamName"] for stream in answer["logStreams"]]


def read_log(job_name: str) -> list[str]:
    """The messages of all streams of a job, one stream after the other, to the repeated token."""
    logs, messages = boto3.client("logs"), []
    for stream in list_streams(job_name):
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True, **token)
            messages += [event["message"] for event in page["events"]]
            if token.get("nextToken") == page["nextForwardToken"]:
                break
            token = {"nextToken": page["nextForwardToken"]}
    return messages


def list_keys(prefix: str) -> list[str]:
    answer = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", ())]


def list_members(key: str) -> list[str]:
    """The names in a compressed archive in the bucket."""
    content = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


def push_image(daemon: docker.DockerClient, image: str, repository: str) -> str:
    """Pushes an image as users do, with the token of ECR, and returns its digest."""
    answer = boto3.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
    daemon.images.get(image).tag(repository, "1")
    login = {"username": user, "password": password}
    for line in daemon.api.push(repository, "1", stream=True, decode=True, auth_config=login):
        assert "error" not in line, line["error"]
        if "aux" in line:
            digest: str = line["aux"]["Digest"]
    return digest
