"""Many jobs on one board: moto lists them, though only in the order in which they were created."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.common.delivery.sagemaker.aws.account import Account, answer, keep_environment, set_running, stop_here
from tests.common.delivery.sagemaker.aws.test_aws_session import failing, make_sessions
from tests.common.delivery.sagemaker.aws.test_cloudwatch_log import ENDED_JOB, FAST, RUNNING_JOB, Pages
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import JobState, JobStatus, Pacing, SagemakerRemoteExecutor, SharedAccount
from tg.common.delivery.sagemaker.aws.call_rates import CallRates
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.cloudwatch_log import CloudWatchLog

OFTEN = Pacing(0.01, 0.01, 0.01, 1, 0.01, 0.01, 0.01, patience_seconds=1, list_seconds=0, described_jobs=3)


@pytest.fixture
def shared(account: Account) -> SharedAccount:
    return SharedAccount(session=account.session, pacing=OFTEN, rates=CallRates({}))


@pytest.fixture
def start(account: Account, shared: SharedAccount) -> Callable[[int], list[SagemakerRemoteExecutor]]:
    """Starts jobs ``points-<number>``, each by its own executor."""

    def start(count: int) -> list[SagemakerRemoteExecutor]:
        config = account.make().config
        executors = [SagemakerRemoteExecutor(config, account=shared) for _ in range(count)]
        for number, each in enumerate(executors):
            each.submit(f"points-{number}")
            set_running(account, f"points-{number}")
        account.calls.clear()
        return executors

    return start


def end(account: Account, job_id: str, status: str) -> None:
    account.jobs[job_id].training_job_status = account.jobs[job_id].secondary_status = status


def test_few_jobs_are_described(account: Account, start: Any) -> None:
    executors = start(2)
    for number, each in enumerate(executors):
        assert each.status(f"points-{number}") == JobState(JobStatus.RUNNING)
    assert account.calls == ["DescribeTrainingJob"] * 2


def test_one_listing_tells_of_all_jobs(account: Account, shared: SharedAccount, start: Any) -> None:
    executors = start(5)
    for number, each in [*enumerate(executors)] * 2:
        each.facts(f"points-{number}")
    account.calls.clear()
    for number, each in enumerate(executors):
        assert each.status(f"points-{number}") == JobState(JobStatus.RUNNING)
        assert each.facts(f"points-{number}").tags["instance_type"] == "ml.m5.large"
    assert set(account.calls) == {"ListTrainingJobs"}
    end(account, "points-2", "Completed")
    account.calls.clear()
    assert executors[2].status("points-2") == JobState(JobStatus.COMPLETED, 0)
    assert account.calls == ["ListTrainingJobs"]


def test_how_a_job_has_failed_is_looked_up_once(account: Account, shared: SharedAccount, start: Any) -> None:
    executors = start(5)
    for number, each in enumerate(executors):
        each.status(f"points-{number}")
    end(account, "points-1", "Failed")
    account.jobs["points-1"].failure_reason = "AlgorithmError: no luck"
    account.calls.clear()
    assert shared.statuses() == {f"points-{n}": JobStatus.FAILED if n == 1 else JobStatus.RUNNING for n in range(5)}
    assert account.calls == ["ListTrainingJobs"]
    for _ in range(3):
        assert executors[1].status("points-1") == JobState(JobStatus.FAILED, reason="AlgorithmError: no luck")
    assert account.calls.count("DescribeTrainingJob") == 1
    assert shared.statuses()["points-1"] is JobStatus.FAILED  # it has left the board


def test_a_job_that_is_not_listed_is_described(account: Account, start: Any) -> None:
    account.on_call("ListTrainingJobs", lambda: (answer("", "", 200)[0], {"TrainingJobSummaries": []}))
    executors = start(5)
    for number, each in enumerate(executors):
        assert each.status(f"points-{number}") == JobState(JobStatus.RUNNING)
    end(account, "points-4", "Stopped")
    assert executors[4].status("points-4") == JobState(JobStatus.STOPPED, reason="it was stopped")


def test_a_job_that_does_not_exist(account: Account, start: Any) -> None:
    executors = start(5)
    for number, each in enumerate(executors):
        each.status(f"points-{number}")
    with pytest.raises(DeliveryError, match=r"^there is no job 'points-9' in eu-central-1 of account 123456789012; "):
        executors[0].status("points-9")


def test_a_listing_that_is_denied(account: Account, start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    account.on_call("ListTrainingJobs", lambda: answer("AccessDeniedException", "no"))
    executors = start(5)
    with ThreadPoolExecutor(5) as pool:
        following = [pool.submit(each.status, f"points-{number}") for number, each in enumerate(executors)]
        assert {each.result() for each in following} == {JobState(JobStatus.RUNNING)}
    warnings = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert len(warnings) == 1
    assert warnings[0].endswith("without sagemaker:ListTrainingJobs, each job is looked at by itself, which is slower")


def test_a_listing_that_is_throttled_is_tried_again_later(
    account: Account, start: Any, shared: SharedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    throttled = [answer("ThrottlingException", "slow down")]
    account.on_call("ListTrainingJobs", lambda: throttled[0] if throttled else None)
    executors = start(5)
    for number, each in enumerate(executors):
        assert each.status(f"points-{number}") == JobState(JobStatus.RUNNING)
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert warning.endswith("; for 2 minutes, each job is looked at by itself, which is slower")
    assert account.calls.count("DescribeTrainingJob") >= 5
    throttled.clear()
    shared.board._listing_again_at = 0
    account.calls.clear()
    for number, each in enumerate(executors):
        assert each.status(f"points-{number}") == JobState(JobStatus.RUNNING)
    assert set(account.calls) == {"ListTrainingJobs"}


def test_who_waited_for_a_listing_that_has_failed_does_not_ask_for_another(
    account: Account, start: Any, shared: SharedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    has_all = threading.Event()

    def refuse() -> Any:
        # Until all threads wait for this listing.
        while len(shared.board._entries) < 5 and not has_all.wait(0.01):
            pass
        has_all.set()
        return answer("ThrottlingException", "slow down")

    account.on_call("ListTrainingJobs", refuse)
    executors = start(5)
    with ThreadPoolExecutor(5) as pool:
        looks = [pool.submit(each.status, f"points-{number}") for number, each in enumerate(executors)]
        assert {look.result() for look in looks} == {JobState(JobStatus.RUNNING)}
    assert len([line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]) == 1


def test_what_is_the_same_for_all_is_done_once(account: Account, shared: SharedAccount, start: Any) -> None:
    config = account.make(dataset="points.csv").config
    key = "sagemaker/points/datasets/points.csv"
    account.session.client("s3").put_object(Bucket="pail", Key=key, Body=b"x,label\n")
    account.calls.clear()
    executors = [SagemakerRemoteExecutor(config, account=shared) for _ in range(6)]
    executors[0].prepare()
    prepared = list(account.calls)
    assert (prepared.count("HeadBucket"), prepared.count("PutObject")) == (1, 2)  # the package, and what starts it
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: executors[number].submit(f"points-{number}"), range(6)))
    assert sorted(account.calls[len(prepared) :]) == ["CreateTrainingJob"] * 6 + ["DescribeTrainingJob"] * 6
    assert {len(job.input_data_config) for job in account.jobs.values()} == {2}
    with pytest.raises(DeliveryError, match=r"^there is a job 'points-3' already; "):
        executors[3].submit("points-3")


def test_what_has_failed_is_tried_again(shared: SharedAccount) -> None:
    results = iter([DeliveryError("not now"), "done"])

    def make() -> str:
        result = next(results)
        if isinstance(result, DeliveryError):
            raise result
        return result

    with pytest.raises(DeliveryError, match="not now"):
        shared.once("key", make)
    assert (shared.once("key", make), shared.once("key", make)) == ("done", "done")


def test_another_region_than_the_accounts(account: Account, shared: SharedAccount) -> None:
    config = account.make({"region": "us-east-1"}).config
    with pytest.raises(DeliveryError) as caught:
        SagemakerRemoteExecutor(config, account=shared)
    assert str(caught.value) == "region is 'us-east-1', and the shared account's is 'eu-central-1'; take one"


def test_a_submit_that_waits_for_a_quota_can_be_interrupted(account: Account, shared: SharedAccount) -> None:
    keep_environment(account)
    stopped = stop_here(account)
    account.on_call("CreateTrainingJob", lambda: answer("ResourceLimitExceeded", "too many"))
    config = account.make({"queue_seconds": 3600}).config
    patient = SharedAccount(session=account.session, pacing=Pacing(create_seconds=600), rates=CallRates({}))
    executor = SagemakerRemoteExecutor(config, account=patient)
    threading.Timer(0.5, executor.interrupted.set).start()
    with pytest.raises(KeyboardInterrupt):
        executor.submit("points-1")
    assert (account.jobs, stopped, executor.has_submitted("points-1")) == ({}, [], False)


def test_a_log_that_is_followed_can_be_interrupted(account: Account, start: Any) -> None:
    executor = start(1)[0]
    threading.Timer(0.3, executor.interrupted.set).start()
    with pytest.raises(KeyboardInterrupt):
        list(executor.logs("points-0"))
    assert executor.status("points-0").status is JobStatus.RUNNING
    assert isinstance(list(executor.logs("points-0", follow=False)), list)


def test_one_thread_renews_the_credentials_of_all() -> None:
    made, make = make_sessions()
    aws = AwsSession(session=make, patience_seconds=60, pause_seconds=0)
    assert aws.session is made[0]
    together = threading.Barrier(8)

    def look(_: int) -> str:
        left = [failing("ExpiredTokenException")]

        def call() -> str:
            if left:
                together.wait(10)
                raise left.pop()
            return "done" if aws.session else ""

        return aws.follow("points-1", call)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(8))) == ["done"] * 8
    assert len(made) == 2


def test_the_more_logs_the_less_often_each_is_read() -> None:
    assert Pacing().among(20) == Pacing()
    pace = Pacing().among(1000)
    assert (pace.log_seconds, pace.search_seconds, pace.streams_seconds, pace.drain_seconds) == (50, 100, 200, 400)
    assert (pace.status_seconds, pace.quiet_seconds) == (4, 4)


def test_among_many_logs_a_running_jobs_is_read_page_by_page_and_an_ended_ones_to_its_end(aws: AwsSession) -> None:
    pages = Pages(("a", ["one"]), ("b", ["two"]), ("b", []))
    described = [RUNNING_JOB, replace(RUNNING_JOB, status="Completed")]
    log = CloudWatchLog(
        AwsSession(session=pages),
        "job-1",
        lambda: described.pop(0) if len(described) > 1 else described[0],
        pacing=FAST,
        crowd=lambda: 40,
        describe_end=lambda: ENDED_JOB,
    )
    output = [event.data.decode() for event in log.follow()]
    assert [line for line in output if " - " not in line] == ["one\n", "two\n"]
    assert output[-1].endswith(" Completed - Training job completed\n")
    assert pages.tokens == [None, "a", "b"]
