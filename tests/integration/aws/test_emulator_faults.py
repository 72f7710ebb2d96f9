"""Each fault as boto3 sees it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET, LOG_GROUP, build_request, list_streams, read_log
from tests.processes import wait_for


@pytest.fixture
def aws(make_simulated_aws: Callable[..., AwsEmulator]) -> Iterator[AwsEmulator]:
    def run_job(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
        write_line("hello")
        while request["HyperParameters"].get("wait") and not is_stopped():
            time.sleep(0.01)
        return int(request["HyperParameters"].get("exit_code", 0))

    return make_simulated_aws(run_job)


def make_client(service: str) -> Any:
    """A client that tries once."""
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def create(aws: AwsEmulator, name: str, client: Any = None, **hyperparameters: str) -> None:
    request = build_request(aws, name)
    request["HyperParameters"] = hyperparameters
    (client or make_client("sagemaker")).create_training_job(**request)


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """The code, the status and the message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_throttling(aws: AwsEmulator) -> None:
    create(aws, "one")
    aws.faults.throttle("*", calls=4)
    describe = make_client("sagemaker").describe_training_job
    assert error_of(describe, TrainingJobName="one") == ("ThrottlingException", 400, "Rate exceeded")
    s3 = make_client("s3")
    slow_down = ("SlowDown", 503, "Please reduce your request rate.")
    assert error_of(s3.put_object, Bucket=BUCKET, Key="a", Body=bytes(3_000_000)) == slow_down
    assert error_of(s3.get_object, Bucket=BUCKET, Key="a") == slow_down
    assert error_of(make_client("sts").get_caller_identity) == ("Throttling", 400, "Rate exceeded")
    assert describe(TrainingJobName="one")["TrainingJobName"] == "one"
    assert [call.status for call in aws.calls.of("sagemaker:DescribeTrainingJob")] == [400, 200]


def test_botocore_tries_again_by_itself(aws: AwsEmulator) -> None:
    create(aws, "one")
    aws.faults.throttle("sagemaker:DescribeTrainingJob")
    aws.faults.break_down("sagemaker:DescribeTrainingJob")
    boto3.client("sagemaker").describe_training_job(TrainingJobName="one")
    assert [call.status for call in aws.calls.of("sagemaker:DescribeTrainingJob")] == [400, 500, 200]


def test_internal_errors(aws: AwsEmulator) -> None:
    aws.faults.break_down("logs:*")
    aws.faults.break_down("s3:ListObjectsV2")
    aws.faults.break_down("ecr:DescribeRepositories")
    assert error_of(make_client("logs").describe_log_groups)[:2] == ("InternalFailure", 500)
    assert error_of(make_client("s3").list_objects_v2, Bucket=BUCKET)[:2] == ("InternalError", 500)
    assert error_of(make_client("ecr").describe_repositories)[:2] == ("InternalFailure", 500)


def test_an_answer_that_is_lost(aws: AwsEmulator) -> None:
    aws.faults.lose_answer("sagemaker:CreateTrainingJob")
    with pytest.raises(ClientError, match="InternalFailure"):
        create(aws, "one")
    aws.wait_for_status("one", "Completed")
    with pytest.raises(ClientError, match="ResourceInUse"):
        create(aws, "one")


def test_a_permission_that_is_missing(aws: AwsEmulator) -> None:
    aws.faults.deny("sagemaker:CreateTrainingJob")
    aws.faults.deny("s3:ListBucket")
    with pytest.raises(ClientError) as caught:
        create(aws, "one")
    assert caught.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": "User: arn:aws:iam::123456789012:user/trainer is not authorized to perform: "
        "sagemaker:CreateTrainingJob on resource: arn:aws:sagemaker:eu-central-1:123456789012:training-job/one "
        "because no identity-based policy allows the sagemaker:CreateTrainingJob action",
    }
    assert error_of(make_client("s3").list_objects_v2, Bucket=BUCKET) == (
        "AccessDenied",
        403,
        "User: arn:aws:iam::123456789012:user/trainer is not authorized to perform: s3:ListBucket on resource: "
        f"arn:aws:s3:::{BUCKET} because no identity-based policy allows the s3:ListBucket action",
    )
    assert error_of(make_client("s3").head_bucket, Bucket=BUCKET)[:2] == ("403", 403)
    aws.faults.allow("sagemaker:CreateTrainingJob")
    create(aws, "one")


def test_a_token_that_has_expired(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    create(aws, "one")
    aws.faults.expired_keys.add(aws.environment["AWS_ACCESS_KEY_ID"])
    answer = error_of(make_client("sagemaker").describe_training_job, TrainingJobName="one")
    assert answer == ("ExpiredTokenException", 400, "The security token included in the request is expired")
    assert error_of(make_client("sts").get_caller_identity)[:2] == ("ExpiredToken", 403)
    answer = error_of(make_client("s3").get_object, Bucket=BUCKET, Key="a")
    assert answer == ("ExpiredToken", 400, "The provided token has expired.")
    fresh = boto3.Session(aws_access_key_id="AKIAFRESH", aws_secret_access_key="x")
    assert fresh.client("sagemaker").describe_training_job(TrainingJobName="one")["TrainingJobName"] == "one"


def test_no_capacity(aws: AwsEmulator) -> None:
    aws.faults.capacity_errors.add("ml.m5.large")
    create(aws, "one")
    job = aws.wait_for_status("one", "Failed")
    assert job["FailureReason"] == (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert "TrainingStartTime" not in job
    assert "BillableTimeInSeconds" not in job


def test_quotas(aws: AwsEmulator) -> None:
    aws.faults.refuse_jobs()
    with pytest.raises(ClientError, match=r"ResourceLimitExceeded.*'ml\.m5\.large for training job usage' is 0 I"):
        create(aws, "one")
    aws.faults.quotas["ml.m5.large"] = 1
    create(aws, "one", wait="yes")
    with pytest.raises(ClientError, match="is 1 Instances, with current utilization of 1 Instances and a request"):
        create(aws, "two")
    aws.stop_job("one")
    aws.wait_for_status("one", "Stopped")
    create(aws, "two")


def test_events_that_come_late(aws: AwsEmulator) -> None:
    aws.faults.log_delay_seconds = 0.5
    create(aws, "one")
    aws.wait_for_status("one", "Completed")
    ended = time.monotonic()
    assert list_streams("one") == []
    wait_for(lambda: read_log("one") == ["hello"])
    assert 0.3 < time.monotonic() - ended < 5


def test_pages_without_events(aws: AwsEmulator) -> None:
    create(aws, "one")
    aws.wait_for_status("one", "Completed")
    logs = make_client("logs")
    place = {"logGroupName": LOG_GROUP, "logStreamName": list_streams("one")[0]}
    aws.faults.empty_pages(2)
    tokens, messages = [], []
    more: dict[str, str] = {}
    for _ in range(5):
        page = logs.get_log_events(**place, startFromHead=True, **more)
        messages.append([event["message"] for event in page["events"]])
        tokens.append(page["nextForwardToken"])
        more = {"nextToken": tokens[-1]}
    assert messages == [[], [], ["hello"], [], []]
    assert len(set(tokens)) == 3
    assert tokens[2] == tokens[3] == tokens[4]


def test_a_job_without_a_stream(aws: AwsEmulator) -> None:
    aws.faults.withhold_logs = True
    create(aws, "one")
    assert aws.wait_for_status("one", "Completed")["TrainingJobStatus"] == "Completed"
    assert make_client("logs").describe_log_groups()["logGroups"] == []


def test_starts_that_take_their_time(aws: AwsEmulator) -> None:
    aws.faults.start_seconds = 0.3
    create(aws, "slow")
    assert make_client("sagemaker").describe_training_job(TrainingJobName="slow")["SecondaryStatus"] == "Starting"
    job = aws.wait_for_status("slow", "Completed")
    first, second = job["SecondaryStatusTransitions"][:2]
    assert 0.3 <= second["StartTime"] - first["StartTime"] < 3
    aws.faults.start_seconds = 0
    aws.faults.hold_starts()
    for name in ("held", "stopped"):
        create(aws, name)
    aws.stop_job("stopped")
    job = aws.wait_for_status("stopped", "Stopped")
    assert "ModelArtifacts" not in job
    assert aws.job("held").secondary_status == "Starting"
    aws.faults.release_starts()
    aws.wait_for_status("held", "Completed")


def test_a_spot_interruption(aws: AwsEmulator) -> None:
    request = build_request(aws, "spot", EnableManagedSpotTraining=True)
    request["HyperParameters"] = {"wait": "yes"}
    request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 600
    make_client("sagemaker").create_training_job(**request)
    aws.wait_for_status("spot", "Training")
    aws.interrupt_job("spot")
    wait_for(lambda: [each["Status"] for each in aws.job("spot").transitions].count("Training") == 2)
    aws.stop_job("spot")
    job = aws.wait_for_status("spot", "Stopped")
    states = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert states[4:9] == ["Training", "Interrupted", "Starting", "Downloading", "Downloading"]
    assert len(list_streams("spot")) == 2
    assert read_log("spot") == ["hello", "hello"]


def test_answers_that_take_their_time(aws: AwsEmulator) -> None:
    aws.faults.slow_down("s3:List*", 0.3)
    begun = time.monotonic()
    make_client("s3").list_objects_v2(Bucket=BUCKET)
    assert time.monotonic() - begun >= 0.3
    aws.faults.slow_down("s3:List*", 0)


def test_a_failure(aws: AwsEmulator) -> None:
    create(aws, "one", exit_code="3")
    job = aws.wait_for_status("one", "Failed")
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 3")
