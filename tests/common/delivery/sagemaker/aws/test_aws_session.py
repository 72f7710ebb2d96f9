from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.executor.job_patience import asking_once


def failing(code: str, message: str = "said", operation: str = "DescribeTrainingJob", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)  # type: ignore[arg-type]


def raising(*errors: Exception) -> Callable[[], str]:
    """Raises the errors in turn, then returns."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def test_region_account_and_partition(aws: AwsSession) -> None:
    assert (aws.region, aws.account, aws.partition) == ("eu-central-1", "123456789012", "aws")
    assert AwsSession(region="us-east-1").region == "us-east-1"
    assert AwsSession(region="cn-north-1").partition == "aws-cn"
    assert aws.client("s3") is aws.client("s3")


def test_who_only_looks_has_clients_that_give_up_soon(endpoint: str) -> None:
    def find_limits(session: AwsSession) -> set[tuple[float, float, int]]:
        # As AWS's SDK makes them, too, with settings of its own.
        own = session.session.client("sagemaker", "eu-central-1", config=Config(retries={"max_attempts": 10}))
        configs = [each.meta.config for each in (session.client("s3"), own)]
        return {(each.connect_timeout, each.read_timeout, each.retries["total_max_attempts"]) for each in configs}

    with asking_once():
        assert find_limits(AwsSession(region="eu-central-1")) == {(4, 4, 2)}
    assert find_limits(AwsSession(region="eu-central-1")) == {(60, 60, 6), (60, 60, 11)}


def test_no_region(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(DeliveryError) as caught:
        _ = AwsSession().region
    assert str(caught.value) == "no AWS region is known; set region, AWS_DEFAULT_REGION, or a region in the profile"


def test_no_credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(DeliveryError) as caught:
        _ = AwsSession().account
    assert str(caught.value) == (
        "AWS cannot be used: no AWS credentials are found; run `aws configure` or `aws sso login`, or set profile, "
        "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_no_such_profile(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "aws-config").write_text("[profile work]\nregion = eu-west-1\n")
    with pytest.raises(DeliveryError) as caught:
        _ = AwsSession(profile="wrok").region
    assert str(caught.value) == "AWS cannot be used: the AWS profile 'wrok' is not configured; there is 'work'"
    assert AwsSession(profile="work").region == "eu-west-1"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (EndpointConnectionError, "Could not connect to the endpoint URL"),
        (ConnectTimeoutError, "Connect timeout on endpoint URL"),
        (ReadTimeoutError, "Read timeout on endpoint URL"),
    ],
)
def test_no_network(kind: type[BotoCoreError], said: str) -> None:
    aws = AwsSession()
    with pytest.raises(DeliveryError) as caught:
        aws.call("it cannot be done", raising(kind(endpoint_url="https://x.example")))
    assert str(caught.value) == (
        f'it cannot be done: {said}: "https://x.example"; check the network, the region and AWS_ENDPOINT_URL'
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            failing(
                "AccessDeniedException",
                "User: arn:aws:iam::1:user/me is not authorized to perform: sagemaker:CreateTrainingJob on resource: "
                "arn:aws:sagemaker:x because no identity-based policy allows the sagemaker:CreateTrainingJob action",
            ),
            "it: access is denied: User: arn:aws:iam::1:user/me is not authorized to perform: "
            "sagemaker:CreateTrainingJob on resource: arn:aws:sagemaker:x because no identity-based policy allows the "
            "sagemaker:CreateTrainingJob action; ask for that permission, or use other credentials",
        ),
        (
            failing("403", "Forbidden", "HeadBucket", 403),
            "it: access is denied: the permission s3:ListBucket may be missing; ask for that permission, or use other "
            "credentials",
        ),
        (
            failing("ValidationException", "1 validation error\n detected"),
            "it: DescribeTrainingJob answers ValidationException: 1 validation error detected",
        ),
    ],
)
def test_refusals_are_one_line(error: ClientError, message: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        AwsSession().call("it", raising(error))
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


def make_sessions() -> tuple[list[object], Callable[[], Any]]:
    made: list[object] = []

    class Session:
        region_name = "eu-central-1"

        def client(self, service: str, **settings: Any) -> object:
            return object()

    def make() -> Any:
        made.append(Session())
        return made[-1]

    return made, make


def test_expired_credentials_are_fetched_again_once() -> None:
    made, make = make_sessions()
    aws = AwsSession(session=make)
    client = aws.client("s3")
    assert aws.call("it", raising(failing("ExpiredTokenException"))) == "done"
    assert aws.client("s3") is not client
    assert len(made) == 2
    with pytest.raises(DeliveryError) as caught:
        aws.call("it", raising(failing("ExpiredTokenException"), failing("ExpiredTokenException")))
    assert str(caught.value) == (
        "it: the AWS credentials are not accepted (ExpiredTokenException); renew them, for example with `aws sso login`"
    )


def test_who_follows_a_job_waits_for_credentials_and_network() -> None:
    made, make = make_sessions()
    aws = AwsSession(session=make, patience_seconds=60, pause_seconds=0)
    assert aws.session is made[0]
    expired, away = failing("ExpiredTokenException"), EndpointConnectionError(endpoint_url="https://x.example")
    busy, broken = failing("ThrottlingException"), failing("InternalFailure", status=500)
    assert aws.follow("titanic-1", raising(expired, away, busy, broken, expired)) == "done"
    assert aws.session is made[1]


def test_after_a_while_the_job_is_left_alone() -> None:
    _, make = make_sessions()
    aws = AwsSession(session=make, patience_seconds=0.02, pause_seconds=0.01)
    with pytest.raises(JobUnreachableError) as caught:
        aws.follow("titanic-1", raising(*[failing("ExpiredTokenException")] * 50))
    assert str(caught.value) == (
        "job 'titanic-1' cannot be looked at: the AWS credentials are not accepted (ExpiredTokenException); renew "
        "them, for example with `aws sso login`; the job goes on and can be followed again when that is settled"
    )


def test_what_will_not_pass_is_not_waited_for() -> None:
    aws = AwsSession(patience_seconds=60, pause_seconds=60)
    with pytest.raises(DeliveryError, match=r"^job 'titanic-1' cannot be looked at: access is denied: "):
        aws.follow("titanic-1", raising(failing("AccessDeniedException")))


def test_a_permission_that_was_there_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, make = make_sessions()
    aws = AwsSession(session=make, patience_seconds=90, pause_seconds=0)
    denied = failing("AccessDeniedException")
    assert aws.follow("titanic-1", raising()) == "done"
    assert aws.follow("titanic-1", raising(denied, denied, denied)) == "done"
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert "job 'titanic-1' cannot be looked at: access is denied: " in said
    assert said.endswith("; waiting up to 1.5 minutes for that to be settled, while the job goes on")
    with pytest.raises(DeliveryError, match="access is denied"):
        aws.follow("titanic-1", raising(denied), waits_for_permission=False)
    with pytest.raises(DeliveryError, match="access is denied"):
        aws.follow("another", raising(denied))


def test_a_permission_that_does_not_come_back_leaves_the_job_alone() -> None:
    _, make = make_sessions()
    aws = AwsSession(session=make, patience_seconds=0, pause_seconds=0.001)
    aws.follow("titanic-1", raising())
    with pytest.raises(JobUnreachableError, match=r"access is denied.*; the job goes on and can be followed again"):
        aws.follow("titanic-1", raising(*[failing("AccessDeniedException")] * 5000))


def test_credentials_are_read_from_the_profile_again(endpoint: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    text = "[default]\naws_access_key_id = {0}\naws_secret_access_key = {0}\n"
    (tmp_path / "aws-credentials").write_text(text.format("old"))
    aws = AwsSession()
    assert aws.session.get_credentials().access_key == "old"
    (tmp_path / "aws-credentials").write_text(text.format("new"))
    assert aws.call("it", raising(failing("ExpiredToken"))) == "done"
    assert aws.session.get_credentials().access_key == "new"
