"""What AWS does at times, and what the remote executor makes of it; jobs are functions here, and need no Docker."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.aws.numbers import MakeAws, count, make, output_of, wait
from tg.common import DeliveryError, JobFailedError, JobStoppedError
from tg.common.delivery.sagemaker import (
    JobState,
    JobStatus,
    Pacing,
)


def test_a_quota_and_throttling_are_waited_for(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(count)
    aws.faults.refuse_jobs(3)
    aws.faults.throttle("sagemaker:CreateTrainingJob", 2)
    executor = make(aws, tmp_path)
    executor.submit("numbers-1")
    assert [call.status for call in aws.calls.of("sagemaker:CreateTrainingJob")] == [400] * 5 + [200]
    aws.faults.refuse_jobs(1000)
    with pytest.raises(DeliveryError, match=r"^job 'numbers-2' cannot be created: CreateTrainingJob answers Resource"):
        make(aws, tmp_path, queue_seconds=0.2).submit("numbers-2")
    assert [job.name for job in aws.jobs] == ["numbers-1"]


def test_an_answer_that_is_lost_is_no_second_job(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    aws.faults.lose_answer("sagemaker:CreateTrainingJob")
    executor = make(aws, tmp_path, job_name="numbers-1")
    assert executor.submit() == "numbers-1"
    assert aws.job("numbers-1").status == "InProgress"
    with pytest.raises(DeliveryError, match=r"^there is a job 'numbers-1' already; take another job_name, or leave it"):
        executor.submit()
    assert aws.job("numbers-1").status == "InProgress"


def test_no_job_runs_when_ctrl_c_comes_while_it_is_created(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    aws.faults.slow_down("sagemaker:CreateTrainingJob", 1.5)
    executor = make(aws, tmp_path)
    presser = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    executor.aws.session.events.register("before-call.sagemaker.CreateTrainingJob", lambda **_: presser.start())
    with pytest.raises(KeyboardInterrupt):
        executor.submit("numbers-1")
    aws.wait_for_status("numbers-1", "Stopped", timeout_seconds=10)


def test_ctrl_c_ends_the_waiting_for_a_quota_during_a_call_too(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    aws.faults.refuse_jobs(1000)
    executor = make(aws, tmp_path)
    press = partial(os.kill, os.getpid(), signal.SIGINT)
    executor.aws.session.events.register("before-call.sagemaker.CreateTrainingJob", lambda **_: press())
    with pytest.raises(KeyboardInterrupt):
        executor.submit("numbers-1")
    assert len(aws.calls.of("sagemaker:CreateTrainingJob")) == 1
    assert aws.jobs == []


def test_want_of_machines(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(count)
    aws.faults.capacity_errors.add("ml.m5.large")
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    output_of(executor.logs(job_id))
    assert executor.status(job_id).lacks_machine
    with pytest.raises(JobFailedError, match=r"has failed: CapacityError: Unable to provision requested ML compute"):
        executor.execute()


def test_a_spot_job_that_is_interrupted(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    tries: list[str] = []

    def train(request: Any, write_line: Any, is_stopped: Any) -> int:
        tries.append("one")
        time.sleep(0.02)
        write_line(f"try {len(tries)}")
        time.sleep(0.02)
        while len(tries) == 1 and not is_stopped():
            time.sleep(0.02)
        return 0

    aws = make_simulated_aws(train)
    executor = make(aws, tmp_path, spot=True, max_run_seconds=60)
    job_id = executor.submit()
    events = executor.logs(job_id)
    output = []
    for event in events:
        output.append(event.data.decode().rstrip().partition(" - ")[2] or event.data.decode().rstrip())
        if output == [*output[:-1], "try 1"]:
            aws.interrupt_job(job_id)
    ours = ("try 1", "try 2", "Training job interrupted: the spot instances were reclaimed", "Training job completed")
    assert [line for line in output if line in ours] == [ours[0], ours[2], ours[1], ours[3]]
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    facts = executor.facts(job_id)
    paid, trained = facts.metrics["billable_seconds"], facts.metrics["training_seconds"]
    assert facts.metrics["spot_saving"] == 1 - paid / trained


def test_a_job_that_is_stopped_from_outside(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(lambda request, write_line, is_stopped: aws.stop_job("numbers-1") or 0)
    with pytest.raises(JobStoppedError, match=r"^job numbers-1 has stopped: it was stopped\n"):
        make(aws, tmp_path, job_name="numbers-1").execute()


def test_a_job_that_takes_too_long(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    with pytest.raises(JobFailedError) as caught:
        make(make_simulated_aws(wait), tmp_path, job_name="numbers-1", max_run_seconds=1).execute()
    assert str(caught.value).splitlines()[0] == (
        "job numbers-1 has failed: its time to run is over: max_run_seconds is 1; raise it (MaxRuntimeExceeded)"
    )


@pytest.mark.parametrize(
    ("denied", "message"),
    [
        (
            "sagemaker:CreateTrainingJob",
            r"^job 'numbers-1' cannot be created: access is denied: User: \S+ is not authorized to perform: "
            r"sagemaker:CreateTrainingJob on resource: \S+ because no identity-based policy allows the "
            r"sagemaker:CreateTrainingJob action; ask for that permission, or use other credentials$",
        ),
        (
            "s3:ListBucket",
            r"^bucket 'tg-test-bucket' cannot be used: access is denied: the permission s3:ListBucket may be missing; "
            r"ask for that permission, or use other credentials$",
        ),
        (
            "s3:PutObject",
            r"^'\S+' cannot be uploaded to '\S+': access is denied: User: \S+ is not authorized to perform: s3:Put",
        ),
        (
            "sagemaker:DescribeTrainingJob",
            r"^job 'numbers-1' cannot be looked for: access is denied: User: \S+ is not authorized to perform: ",
        ),
    ],
)
def test_a_missing_permission_is_one_line(
    make_simulated_aws: MakeAws, tmp_path: Path, denied: str, message: str
) -> None:
    aws = make_simulated_aws(count)
    aws.faults.deny(denied)
    with pytest.raises(DeliveryError, match=message) as caught:
        make(aws, tmp_path).submit("numbers-1")
    assert "\n" not in str(caught.value)
    assert aws.jobs == []


def test_a_role_that_is_not_there(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(count)
    aws.role_arn = "NoSuchRole"
    with pytest.raises(DeliveryError) as caught:
        make(aws, tmp_path).submit("numbers-1")
    assert str(caught.value) == (
        "job 'numbers-1' cannot be created: CreateTrainingJob answers ValidationException: Could not assume role "
        "arn:aws:iam::123456789012:role/NoSuchRole. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )


def test_ten_jobs_at_a_time_keep_below_awss_limits(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    def last(request: Any, write_line: Any, is_stopped: Any) -> int:
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline and not is_stopped():
            write_line("x")
            time.sleep(0.1)
        return 0

    aws = make_simulated_aws(last)

    def follow(number: int) -> None:
        executor = make(aws, tmp_path, Pacing(quiet_seconds=1))
        for _ in executor.logs(executor.submit(f"numbers-{number}")):
            pass

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(follow, range(10)))
    assert [job.status for job in aws.jobs] == ["Completed"] * 10
    # Over some seconds: what a busy machine holds up arrives at once.
    assert 0 < aws.calls.peak("logs:DescribeLogStreams", 5) <= 5 * 25
    assert 0 < aws.calls.peak("logs:GetLogEvents", 5) <= 5 * 25
    assert aws.calls.peak("sagemaker:DescribeTrainingJob", 5) <= 5 * 20
    assert aws.calls.of("logs:FilterLogEvents") + aws.calls.of("sagemaker:ListTrainingJobs") == []
