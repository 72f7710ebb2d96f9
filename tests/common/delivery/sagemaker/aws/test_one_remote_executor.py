"""One executor for an account: it starts jobs of different trainings and follows those of others."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Barrier, Timer
from typing import Any

import pytest

from tests.common.delivery.sagemaker.aws.account import (
    FAST,
    REGION,
    Account,
    LazyPackaging,
    answer,
    keep_environment,
    set_running,
    stop_here,
)
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import (
    AccountOptions,
    JobRequest,
    JobState,
    JobStatus,
    RemoteExecutor,
    SharedAccount,
    Traits,
)


@pytest.fixture
def executor(account: Account) -> RemoteExecutor:
    return RemoteExecutor(AccountOptions(REGION), account.session, pacing=FAST)


def test_trainings_of_two_threads_become_two_jobs(account: Account, executor: RemoteExecutor) -> None:
    keep_environment(account)
    both_run = Barrier(2)
    requests = [
        JobRequest(f"points-{size}", account.make(hyperparameters={"size": size}).config) for size in ("2", "3")
    ]

    def submit(request: JobRequest) -> None:
        both_run.wait(60)
        executor.submit(request)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(submit, requests))
    assert {name: job.hyper_parameters for name, job in account.jobs.items()} == {
        "points-2": {"size": "2"},
        "points-3": {"size": "3"},
    }
    assert [executor.has_submitted(name) for name in ("points-2", "points-3", "points-4")] == [True, True, False]


def test_another_executor_stops_a_job_by_its_name_alone(
    account: Account, executor: RemoteExecutor, tmp_path: Path
) -> None:
    executor.submit(JobRequest("points-1", account.make().config))
    set_running(account, "points-1")
    other = Account(tmp_path)
    stopped = stop_here(other)
    following = RemoteExecutor(session=other.session, pacing=FAST)
    assert following.status("points-1") == JobState(JobStatus.RUNNING)
    following.cancel("points-1")
    assert stopped == ["points-1"]
    assert executor.status("points-1") == JobState(JobStatus.STOPPED, None, "it was stopped")
    assert not following.has_submitted("points-1")


def test_what_is_known_is_not_asked_again(account: Account, executor: RemoteExecutor) -> None:
    training = account.make().config
    executor.submit(executor.plan(training))
    assert Counter(account.calls) == {
        "HeadBucket": 1,
        "DescribeTrainingJob": 1,
        "HeadObject": 2,
        "PutObject": 2,
        "CreateTrainingJob": 1,
    }
    account.calls.clear()
    executor.submit(executor.plan(training))
    assert account.calls == ["HeadBucket", "HeadObject", "HeadObject", "CreateTrainingJob"]


@pytest.mark.parametrize(("remote", "job_id"), [({"job_name": "mine"}, None), ({}, "mine")])
def test_a_chosen_name_is_always_looked_for(
    account: Account, executor: RemoteExecutor, remote: dict[str, Any], job_id: str | None
) -> None:
    executor.submit(executor.plan(account.make().config))
    request = executor.plan(account.make(remote).config, job_id)
    executor.submit(request)
    with pytest.raises(DeliveryError, match=r"^there is a job 'mine' already; take another job_name, or leave it out$"):
        executor.submit(request)
    assert account.calls.count("CreateTrainingJob") == 2


def test_wrong_credentials_are_told_from_a_missing_permission(account: Account, executor: RemoteExecutor) -> None:
    events, forbidden = account.session.events, answer("403", "Forbidden", 403)
    events.register("before-call.s3.HeadBucket", lambda **_: forbidden)
    request = executor.plan(account.make().config)
    with pytest.raises(DeliveryError) as caught:
        executor.submit(request)
    assert str(caught.value) == (
        "bucket 'pail' cannot be used: access is denied: the permission s3:ListBucket may be missing; ask for that "
        "permission, or use other credentials"
    )
    invalid = answer("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    events.register("before-call.sts.GetCallerIdentity", lambda **_: invalid)
    following = RemoteExecutor(AccountOptions(REGION), account.session, pacing=FAST)
    with pytest.raises(DeliveryError) as caught:
        following.submit(request)
    assert str(caught.value) == (
        "AWS cannot be used: the AWS credentials are not accepted (InvalidClientTokenId); renew them, for example with "
        "`aws sso login`"
    )


def test_a_description_is_what_would_be_sent(account: Account, executor: RemoteExecutor) -> None:
    delivery = account.make({"job_name": "mine", "image_uri": None}, LazyPackaging).config
    request = executor.plan(delivery)
    assert request == JobRequest("mine", delivery)
    description = executor.describe(request)
    repository = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tg-mlflow/points"
    assert (description.request["TrainingJobName"], description.image_repository) == ("mine", repository)
    assert account.jobs == {}


def test_whose_metrics_count_is_an_option_of_those_who_follow(account: Account, executor: RemoteExecutor) -> None:
    executor.submit(JobRequest("points-1", account.make({"metrics_from": "all"}).config))
    logs = account.session.client("logs")
    logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    for host in ("algo-1", "algo-2"):
        stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": f"points-1/{host}-1"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": time.time_ns() // 1_000_000, "message": host}])

    def counted(metrics_from: str) -> list[bytes]:
        reader = RemoteExecutor(AccountOptions(metrics_from=metrics_from), account.session, pacing=FAST)
        return [event.data for event in reader.logs("points-1", follow=False) if event.has_metrics]

    assert counted("leader") == [b"algo-1\n"]
    assert counted("all") == [b"algo-1\n", b"algo-2 | algo-2\n"]


def test_an_interrupt_ends_the_wait_for_a_quota(account: Account, executor: RemoteExecutor) -> None:
    account.on_call("CreateTrainingJob", lambda: answer("ResourceLimitExceeded", "too many"))
    timer = Timer(0.3, executor.interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        executor.submit(JobRequest("points-1", account.make({"queue_seconds": 60}).config))
    timer.join()
    assert account.jobs == {}
    with pytest.raises(KeyboardInterrupt):
        executor.submit(JobRequest("points-2", account.make().config))


def test_the_docker_daemon_is_that_of_the_training(executor: RemoteExecutor) -> None:
    given: Any = object()
    assert RemoteExecutor(client=given).connect("ssh://elsewhere.example") is given
    with pytest.raises(DeliveryError, match=r"^the Docker daemon at 'unix:///nowhere/docker\.sock' cannot be used: "):
        executor.connect("unix:///nowhere/docker.sock")


def test_what_tells_these_jobs_from_others(executor: RemoteExecutor) -> None:
    assert executor.traits == Traits(
        may_queue=True,
        repeats_logs=False,
        is_in_process=False,
        needs_credentials=True,
        needs_local_dataset=False,
        keeps_results=True,
        is_found_anywhere=True,
        starts_at_once=True,
        has_own_machine=True,
        takes_checkpoints=True,
    )
    assert asdict(executor.options) == {"region": "eu-central-1", "profile": None, "metrics_from": "leader"}


def test_options_that_cannot_be_right_are_refused(account: Account) -> None:
    with pytest.raises(DeliveryError, match=r"^metrics_from is 'some'; give 'leader' or 'all'$"):
        AccountOptions(metrics_from="some")
    shared = SharedAccount(session=account.session, pacing=FAST)
    with pytest.raises(DeliveryError, match=r"^region is 'eu-west-1', and the shared account's is 'eu-central-1'; "):
        RemoteExecutor(AccountOptions("eu-west-1"), account=shared)
