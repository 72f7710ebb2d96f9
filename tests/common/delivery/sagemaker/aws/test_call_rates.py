import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from tests.common.delivery.sagemaker.aws.account import Account
from tg.common.delivery.sagemaker import Pacing, SagemakerRemoteExecutor, SharedAccount
from tg.common.delivery.sagemaker.aws.call_rates import PER_SECOND, CallRates, WaitInterruptedError
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.training_job import describe_job

WAITING = Pacing(create_seconds=600)


class CountingRates(CallRates):
    def __init__(self) -> None:
        super().__init__({"DescribeTrainingJob": 1000, "ListTrainingJobs": 1000})
        self.waited: list[str] = []

    def wait(self, operation: str, is_interruptible: bool = False) -> None:
        self.waited.append(operation)
        super().wait(operation, is_interruptible)


def test_the_rates_are_below_awss() -> None:
    limits = {"GetLogEvents": 25, "DescribeLogStreams": 25, "FilterLogEvents": 5, "ListTrainingJobs": 2}
    assert [name for name, limit in limits.items() if PER_SECOND[name] >= limit] == []
    assert {"CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob"} <= PER_SECOND.keys()


def test_calls_are_evenly_spaced_whoever_makes_them() -> None:
    rates = CallRates({"GetLogEvents": 50})
    moments: list[float] = []

    def call(_: int) -> None:
        rates.wait("GetLogEvents")
        moments.append(time.monotonic())

    start = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(call, range(40)))
    assert 39 / 50 <= time.monotonic() - start < 3
    assert max(sum(each <= other < each + 0.2 for other in moments) for each in moments) <= 15


def test_a_waiting_call_delays_no_other_operation() -> None:
    rates = CallRates({"GetLogEvents": 0.001, "DescribeTrainingJob": 1000})
    rates.wait("GetLogEvents")
    assert rates.delay_of("GetLogEvents") > 900
    start = time.monotonic()
    rates.wait("DescribeTrainingJob")
    rates.wait("PutObject")
    assert time.monotonic() - start < 1
    assert rates.delay_of("PutObject") == 0


def test_every_try_of_every_client_counts(account: Account) -> None:
    rates = CountingRates()
    aws = AwsSession(session=account.session, rates=rates)
    left = [AWSResponse("", 500, {"content-type": "text/plain"}, None)] * 2
    for each in left:
        each._content = b""

    def fail(**_: Any) -> Any:
        return left.pop() if left else None

    account.session.events.register("before-send.sagemaker.ListTrainingJobs", fail)
    assert describe_job(aws, "points-1") is None  # by the SDK's client
    aws.client("sagemaker").list_training_jobs()
    assert rates.waited == ["DescribeTrainingJob", "ListTrainingJobs", "ListTrainingJobs", "ListTrainingJobs"]


@pytest.mark.parametrize("slow", ["CreateTrainingJob", "DescribeTrainingJob"])
def test_a_submit_that_waits_for_its_turn_can_be_interrupted(account: Account, slow: str) -> None:
    shared = SharedAccount(session=account.session, pacing=WAITING, rates=CallRates({slow: 0.001}))
    executors = [SagemakerRemoteExecutor(account.make().config, account=shared) for _ in range(5)]
    assert executors[0].submit("points-0") == "points-0"
    threading.Timer(0.5, shared.interrupted.set).start()
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        following = [pool.submit(each.submit, f"points-{n}") for n, each in enumerate(executors[1:], 1)]
        errors = [each.exception() for each in following]
    assert time.monotonic() - start < 5
    assert [type(each) for each in errors] == [WaitInterruptedError] * 4
    assert isinstance(errors[0], KeyboardInterrupt)
    assert list(account.jobs) == ["points-0"]
    assert [each.has_submitted(f"points-{n}") for n, each in enumerate(executors)] == [True] + [False] * 4
    with pytest.raises(KeyboardInterrupt):
        executors[1].submit("points-9")
