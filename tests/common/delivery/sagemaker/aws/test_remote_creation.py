"""Creating a job: what is waited for, and that no job is left that nobody knows of."""

import os
import signal
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.common.delivery.sagemaker.aws.account import Account, answer, keep_environment, set_running, stop_here
from tg.common import DeliveryError, JobUnreachableError


def test_a_job_that_is_denied_leaves_nothing_to_stop(account: Account) -> None:
    said = "User: me is not authorized to perform: iam:PassRole on resource: training"
    account.on_call("CreateTrainingJob", lambda: answer("AccessDeniedException", said))
    with pytest.raises(DeliveryError) as caught:
        account.make().submit("points-1")
    assert str(caught.value) == (
        f"job 'points-1' cannot be created: access is denied: {said}; ask for that permission, or use other credentials"
    )
    assert "StopTrainingJob" not in account.calls


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", "ThrottlingException"])
def test_a_quota_is_waited_for(account: Account, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    left = [answer(code, "too many")] * 9
    account.on_call("CreateTrainingJob", lambda: left.pop() if left else None)
    account.session.events.register("needs-retry", lambda **_: None)
    executor = account.make({"queue_seconds": 60})
    assert executor.submit("points-1") == "points-1"
    lines = [line.partition(" INFO: ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == (
        f"Waiting up to 60 seconds: job 'points-1' cannot be created: CreateTrainingJob answers {code}: too many"
    )
    assert [line.partition(":")[0] for line in lines[1:]] == ["Created the training job points-1"]


def test_a_quota_is_not_waited_for_for_ever(account: Account) -> None:
    account.on_call("CreateTrainingJob", lambda: answer("ResourceLimitExceeded", "too many"))
    with pytest.raises(DeliveryError, match=r"^job 'points-1' cannot be created: CreateTrainingJob answers Resource"):
        account.make({"queue_seconds": 0.05}).submit("points-1")
    assert account.jobs == {}


def test_ctrl_c_while_a_job_is_created_stops_it(account: Account) -> None:
    keep_environment(account)
    stopped = stop_here(account)
    account.session.events.register(
        "after-call.sagemaker.CreateTrainingJob",
        lambda **_: (set_running(account, "points-1"), os.kill(os.getpid(), signal.SIGINT))[1],
    )
    with pytest.raises(KeyboardInterrupt):
        account.make().submit("points-1")
    assert stopped == ["points-1"]


def lose_the_answer(**_: Any) -> None:
    raise ConnectionClosedError(endpoint_url="https://x.example")


def test_a_job_whose_creation_was_not_confirmed_goes_on(account: Account) -> None:
    keep_environment(account)
    stopped = stop_here(account)
    register = account.session.events.register
    register("after-call.sagemaker.CreateTrainingJob", lambda **_: set_running(account, "points-1"))
    register("after-call.sagemaker.CreateTrainingJob", lose_the_answer)
    assert account.make().submit("points-1") == "points-1"
    assert stopped == []


def test_a_job_that_may_have_been_created_is_not_given_up(account: Account) -> None:
    keep_environment(account)
    stopped = stop_here(account)
    register = account.session.events.register
    register("after-call.sagemaker.CreateTrainingJob", lambda **_: set_running(account, "points-1"))
    register("after-call.sagemaker.CreateTrainingJob", lose_the_answer)
    register("after-call.sagemaker.DescribeTrainingJob", lambda **_: lose_the_answer() if account.jobs else None)
    with pytest.raises(JobUnreachableError, match=r"^job 'points-1' cannot be looked at: Conn.*; it may have been"):
        account.make().submit("points-1")
    assert stopped == []


def test_a_job_that_was_not_created_is_said_not_to_be(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tg.common.delivery.sagemaker.remote.training_job._LOOKS", 1)
    account.session.events.register("before-call.sagemaker.CreateTrainingJob", lose_the_answer)
    with pytest.raises(DeliveryError, match=r"^job 'points-1' cannot be created: Connection was closed before we"):
        account.make().submit("points-1")
    assert account.jobs == {}


def test_a_job_of_ones_own_is_no_name_that_is_taken(account: Account) -> None:
    keep_environment(account)
    stopped = stop_here(account)

    def lose_the_answer(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        http_response.status_code = 400  # as a second try is answered
        parsed.update(answer("ResourceInUse", "Training job names must be unique")[1])

    account.session.events.register("after-call.sagemaker.CreateTrainingJob", lose_the_answer)
    assert account.make().submit("points-1") == "points-1"
    assert stopped == []


def test_a_name_that_is_taken_meanwhile(account: Account) -> None:
    stopped = stop_here(account)
    account.on_call("CreateTrainingJob", lambda: answer("ResourceInUse", "Training job names must be unique"))
    with pytest.raises(DeliveryError, match=r"^there is a job 'points-2' already; take another job_name, or leave it"):
        account.make().submit("points-2")
    assert stopped == []
