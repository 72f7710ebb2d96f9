"""Following a job, whatever AWS does meanwhile; jobs are functions here, and need no Docker."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.numbers import MakeAws, count, lines, make, output_of, wait
from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker import (
    JobState,
    JobStatus,
    Pacing,
)


def test_output_and_steps_come_while_the_job_runs(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    events = executor.logs(job_id)
    seen = [next(events)]
    while not seen[-1].has_metrics:
        seen.append(next(events))
    assert seen[-1].data == b"ready\n"
    assert executor.status(job_id) == JobState(JobStatus.RUNNING)
    steps = [event.data.decode().partition(" - ")[2].rstrip() for event in seen[:-1]]
    assert steps == [
        "Starting the training job",
        "Preparing the instances for training",
        "Downloading input data",
        "Downloading the training image",
        "Training image download completed. Training in progress.",
    ]
    executor.cancel(job_id)
    rest = [event.data.decode() for event in events]
    assert [line for line in rest if " - " not in line] == ["stopping\n"]
    assert any(line.endswith(" Stopping - Stopping the training job\n") for line in rest)
    assert rest[-1].endswith(" Stopped - Training job stopped\n")
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, None, "it was stopped")


def test_a_job_waits_in_the_queue(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    aws.faults.hold_starts()
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    assert executor.status(job_id) == JobState(JobStatus.QUEUED, reason="Starting - Starting the training job")
    executor.cancel(job_id)
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, None, "it was stopped")


def late(aws: AwsEmulator) -> None:
    aws.faults.log_delay_seconds = 0.8


@pytest.mark.parametrize(
    "fault",
    [
        late,
        lambda aws: aws.faults.empty_pages(5),
        lambda aws: aws.faults.throttle("logs:*", 4),
        lambda aws: aws.faults.break_down("logs:GetLogEvents", 4),
        lambda aws: aws.faults.throttle("sagemaker:DescribeTrainingJob", 3),
        lambda aws: aws.faults.break_down("sagemaker:DescribeTrainingJob", 3),
        lambda aws: aws.faults.slow_down("logs:GetLogEvents", 0.3),
    ],
    ids=["late", "empty pages", "logs throttled", "logs broken", "state throttled", "state broken", "logs slow"],
)
def test_no_line_is_lost_or_doubled(
    make_simulated_aws: MakeAws, tmp_path: Path, fault: Callable[[AwsEmulator], None]
) -> None:
    aws = make_simulated_aws(count)
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    fault(aws)
    assert output_of(executor.logs(job_id)) == lines()
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    assert output_of(executor.logs(job_id, follow=False)) == lines()


def test_a_job_that_says_nothing(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(count)
    aws.faults.withhold_logs = True
    executor = make(aws, tmp_path)
    job_id = executor.execute()
    assert output_of(executor.logs(job_id)) == []


def test_expired_credentials_are_read_again(
    make_simulated_aws: MakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = make_simulated_aws(wait)
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    events = (event for event in executor.logs(job_id) if event.has_metrics)
    assert next(events).data == b"ready\n"
    aws.faults.expired_keys.add(os.environ["AWS_ACCESS_KEY_ID"])
    renewal = threading.Timer(0.5, lambda: monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEW"))
    renewal.start()
    aws.stop_job(job_id)
    assert [event.data for event in events] == [b"stopping\n"]
    assert executor.status(job_id).status is JobStatus.STOPPED
    renewal.join()


def test_a_job_goes_on_when_it_cannot_be_followed_any_more(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    def expire_and_wait(request: Any, write_line: Any, is_stopped: Any) -> int:
        aws.faults.expired_keys.add(os.environ["AWS_ACCESS_KEY_ID"])
        return wait(request, write_line, is_stopped)

    aws = make_simulated_aws(expire_and_wait)
    pacing = Pacing(0.1, 0.05, 0.1, 1, 0.1, 0.1, patience_seconds=0.5)
    with pytest.raises(JobUnreachableError) as caught:
        make(aws, tmp_path, pacing, job_name="numbers-1").execute()
    assert str(caught.value) == (
        "job 'numbers-1' cannot be looked at: the AWS credentials are not accepted (ExpiredTokenException); renew "
        "them, for example with `aws sso login`; the job goes on and can be followed again when that is settled"
    )
    assert (aws.job("numbers-1").status, len(aws.calls.of("sagemaker:StopTrainingJob"))) == ("InProgress", 0)

    aws.faults.expired_keys.clear()
    aws.stop_job("numbers-1")
    assert output_of(make(aws, tmp_path).logs("numbers-1")) == ["ready", "stopping"]
