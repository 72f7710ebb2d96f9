"""The emulator's APIs as boto3 sees them, with jobs that are functions."""

import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET, LOG_GROUP, build_channel, build_request, list_streams, read_log

MakeAws = Callable[..., AwsEmulator]


def test_the_way_of_a_job(make_simulated_aws: MakeAws) -> None:
    def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        write_line(f"loss: {request['HyperParameters']['loss']}")
        write_line("a\tb\rc")
        write_line("")
        return 0

    aws = make_simulated_aws(run_job)
    sagemaker = boto3.client("sagemaker")
    assert list_streams("one") == []
    definitions = [{"Name": "loss", "Regex": r"loss: ([0-9.]+)"}]
    request = build_request(aws, "one", HyperParameters={"loss": "0.25"}, Tags=[{"Key": "team", "Value": "blue"}])
    request["AlgorithmSpecification"]["MetricDefinitions"] = definitions
    arn = sagemaker.create_training_job(**request)["TrainingJobArn"]
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:training-job/one"
    aws.wait_for_status("one", "Completed")

    job = sagemaker.describe_training_job(TrainingJobName="one")
    assert [(each["Status"], each["StatusMessage"]) for each in job["SecondaryStatusTransitions"]] == [
        ("Starting", "Starting the training job"),
        ("Pending", "Preparing the instances for training"),
        ("Downloading", "Downloading input data"),
        ("Downloading", "Downloading the training image"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/output/one/output/model.tar.gz"}
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] == 1
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]
    assert read_log("one") == ["loss: 0.25", "a#011b#015c"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "red"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "red"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"TrainingJobName": "one_two"},
            "Value 'one_two' at 'trainingJobName' failed to satisfy constraint: Memb",
        ),
        (
            {"TrainingJobName": "a" * 64},
            "at 'trainingJobName' failed to satisfy constraint: Member must have length le",
        ),
        ({"HyperParameters": {"a": "1\n2"}}, "at 'hyperParameters.a.member' failed to satisfy constraint: Member must"),
        ({"HyperParameters": {"a": "b" * 2501}}, "Member must have length less than or equal to 2500"),
        ({"HyperParameters": {str(i): "" for i in range(101)}}, "Member must have length less than or equal to 100"),
        ({"Environment": {"A": "b" * 513}}, "Member must have length less than or equal to 512"),
        (
            {"Tags": [{"Key": str(i), "Value": ""} for i in range(51)]},
            "Member must have length less than or equal to 50",
        ),
        ({"RoleArn": "arn:aws:iam::123456789012:user/me"}, "at 'roleArn' failed to satisfy constraint"),
        (
            {"RoleArn": "arn:aws:iam::123456789012:role/none"},
            "Could not assume role arn:aws:iam::123456789012:role/none",
        ),
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds. It must be present and be greater than"),
        ({"InputDataConfig": [build_channel("a", f"s3://{BUCKET}/none")]}, "No S3 objects found under S3 URL"),
        ({"InputDataConfig": [build_channel("a", "s3://no-such-pail/x")]}, "The specified bucket does not exist"),
        (
            {"ResourceConfig": {"InstanceType": "ml.huge", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "TrainingImage": "i",
                    "ContainerEntrypoint": ["a" * 257],
                }
            },
            "at 'algorithmSpecification.containerEntrypoint.1.member' failed to satisfy constraint",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "TrainingImage": "i",
                    "MetricDefinitions": [{"Name": str(i), "Regex": "x"} for i in range(41)],
                }
            },
            "Member must have length less than or equal to 40",
        ),
    ],
)
def test_a_request_that_aws_refuses(make_simulated_aws: MakeAws, changes: dict[str, Any], message: str) -> None:
    aws = make_simulated_aws()
    with pytest.raises(ClientError) as caught:
        boto3.client("sagemaker").create_training_job(**build_request(aws, "one", **changes))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert message in caught.value.response["Error"]["Message"]
    assert aws.jobs == []


def test_names_that_are_taken_and_names_that_are_not_there(make_simulated_aws: MakeAws) -> None:
    aws = make_simulated_aws()
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_training_job(**build_request(aws, "one"))
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="Training job names must be unique within an AWS acc"):
        sagemaker.create_training_job(**build_request(aws, "one"))
    aws.wait_for_status("one", "Completed")
    with pytest.raises(ClientError, match=r"\(ValidationException\).*because the training job is in status Completed"):
        sagemaker.stop_training_job(TrainingJobName="one")
    for operation in (sagemaker.describe_training_job, sagemaker.stop_training_job):
        with pytest.raises(ClientError, match=r"\(ValidationException\).*Requested resource not found\."):
            operation(TrainingJobName="two")


def test_stopping_and_running_too_long(make_simulated_aws: MakeAws) -> None:
    def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        while not is_stopped():
            time.sleep(0.01)
        return 143

    aws = make_simulated_aws(run_job)
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_training_job(**build_request(aws, "stopped"))
    sagemaker.create_training_job(**build_request(aws, "long", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    aws.wait_for_status("stopped", "Training")
    sagemaker.stop_training_job(TrainingJobName="stopped")
    job = aws.wait_for_status("stopped", "Stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "FailureReason" not in job
    job = aws.wait_for_status("long", "MaxRuntimeExceeded")
    assert job["TrainingJobStatus"] == "Stopped"


def test_listing_jobs_by_pages(make_simulated_aws: MakeAws) -> None:
    aws = make_simulated_aws()
    sagemaker = boto3.client("sagemaker")
    for number in range(25):
        sagemaker.create_training_job(**build_request(aws, f"job-{number:02}"))
    for number in range(25):
        aws.wait_for_status(f"job-{number:02}", "Completed")
    page = sagemaker.list_training_jobs()
    assert [job["TrainingJobName"] for job in page["TrainingJobSummaries"]] == [f"job-{n}" for n in range(24, 14, -1)]
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="job-1", StatusEquals="Completed", SortBy="Name", SortOrder="Ascending", MaxResults=4
    )
    names = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]
    assert [len(page) for page in names] == [4, 4, 2]
    assert [name for page in names for name in page] == [f"job-{number}" for number in range(10, 20)]


def test_a_thousand_jobs(make_simulated_aws: MakeAws) -> None:
    aws = make_simulated_aws()
    sagemaker = boto3.client("sagemaker")
    request = build_request(aws, "job")
    for number in range(1000):
        sagemaker.create_training_job(**{**request, "TrainingJobName": f"job-{number}"})
    for number in range(1000):
        aws.wait_for_status(f"job-{number}", "Completed")
    assert len(aws.calls.of("sagemaker:CreateTrainingJob")) == 1000
    assert threading.active_count() < 100


def test_pages_of_events(make_simulated_aws: MakeAws) -> None:
    def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        for number in range(5):
            write_line(f"line {number}")
        write_line("x" * 300_000)
        return 0

    aws = make_simulated_aws(run_job)
    boto3.client("sagemaker").create_training_job(**build_request(aws, "one"))
    aws.wait_for_status("one", "Completed")
    logs, stream = boto3.client("logs"), list_streams("one")[0]
    place = {"logGroupName": LOG_GROUP, "logStreamName": stream}
    page = logs.get_log_events(**place, startFromHead=True, limit=2)
    assert [event["message"] for event in page["events"]] == ["line 0", "line 1"]
    page = logs.get_log_events(**place, nextToken=page["nextForwardToken"], limit=3)
    assert [event["message"] for event in page["events"]] == ["line 2", "line 3", "line 4"]
    page = logs.get_log_events(**place, nextToken=page["nextForwardToken"])
    assert [len(event["message"]) for event in page["events"]] == [262_118, 37_882]
    last = logs.get_log_events(**place, nextToken=page["nextForwardToken"])
    assert (last["events"], last["nextForwardToken"]) == ([], page["nextForwardToken"])
    back = logs.get_log_events(**place, nextToken=page["nextBackwardToken"], limit=1)
    assert [event["message"] for event in back["events"]] == ["line 4"]
    assert len(logs.get_log_events(**place, limit=1)["events"][0]["message"]) == 37_882
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.get_log_events(**place, nextToken="f/1")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log stream does not exist"):
        logs.get_log_events(logGroupName=LOG_GROUP, logStreamName="none")


def test_the_record_of_calls(make_simulated_aws: MakeAws, tmp_path: Any) -> None:
    aws = make_simulated_aws()
    s3 = boto3.client("s3")
    large = tmp_path / "large"
    large.write_bytes(bytes(9 << 20))
    s3.upload_file(str(large), BUCKET, "large")
    s3.head_object(Bucket=BUCKET, Key="large")
    s3.download_file(BUCKET, "large", str(large))
    s3.list_objects_v2(Bucket=BUCKET)
    s3.delete_object(Bucket=BUCKET, Key="large")
    with pytest.raises(ClientError):
        s3.head_object(Bucket=BUCKET, Key="large")
    assert boto3.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/trainer"
    assert boto3.client("iam").get_role(RoleName="TrainingRole")["Role"]["Arn"] == aws.role_arn
    assert large.stat().st_size == 9 << 20
    assert aws.calls.names() == {
        "s3:CreateMultipartUpload",
        "s3:UploadPart",
        "s3:CompleteMultipartUpload",
        "s3:HeadObject",
        "s3:GetObject",
        "s3:ListObjectsV2",
        "s3:DeleteObject",
        "sts:GetCallerIdentity",
        "iam:GetRole",
    }
    assert aws.calls.actions() == {
        "s3:PutObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:DeleteObject",
        "sts:GetCallerIdentity",
        "iam:GetRole",
    }
    assert [call.status for call in aws.calls.of("s3:HeadObject")][-1] == 404
    assert aws.calls.peak("s3:UploadPart", seconds=60) == 2


def test_an_emulator_begins_empty_and_ends_with_its_jobs(make_simulated_aws: MakeAws) -> None:
    started = threading.Event()

    def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        started.set()
        while not is_stopped():
            time.sleep(0.01)
        return 0

    with AwsEmulator(run_job) as first:
        first.s3.create_bucket(Bucket="left", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        with pytest.raises(AssertionError, match="there is one emulator in this process already"):
            AwsEmulator(run_job).__enter__()
        client = boto3.client(
            "sagemaker",
            endpoint_url=first.url,
            region_name=first.region,
            aws_access_key_id="some",
            aws_secret_access_key="one",
        )
        first.create_bucket(BUCKET)
        client.create_training_job(**build_request(first, "endless"))
        assert started.wait(10)
    make_simulated_aws()
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [BUCKET]
