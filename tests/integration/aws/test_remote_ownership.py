"""Whose job it is that has some name; jobs are functions here, and need no Docker."""

import os
import signal
import threading
import time
from pathlib import Path

import boto3
import pytest

from tests.integration.aws.numbers import MakeAws, make, wait
from tests.integration.aws.support import build_request
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import JobStatus


def test_a_job_of_another_with_the_same_name_is_not_ours(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    aws = make_simulated_aws(wait)
    executor = make(aws, tmp_path)
    boto3.client("sagemaker").create_training_job(**build_request(aws, "taken"))
    with pytest.raises(
        DeliveryError, match=r"^there is a job 'taken' already; take another job_name, or leave it out$"
    ):
        executor.submit("taken")
    assert not executor.has_submitted("taken")
    assert not executor.has_submitted("unknown")
    assert executor.submit("mine") == "mine"
    assert executor.has_submitted("mine")
    assert not make(aws, tmp_path).has_submitted("mine")  # which only knows what it has submitted itself


def test_a_name_that_another_takes_in_the_last_moment(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    """The name is free when it is looked for; the answer to the creation, during which Ctrl-C comes, is another."""
    aws = make_simulated_aws(wait)
    executor = make(aws, tmp_path)
    other = boto3.client("sagemaker")
    request = build_request(aws, "taken")

    def take_the_name(**_: object) -> None:
        other.create_training_job(**request)
        os.kill(os.getpid(), signal.SIGINT)

    executor.aws.session.events.register_first("before-call.sagemaker.CreateTrainingJob", take_the_name)
    with pytest.raises(KeyboardInterrupt):
        executor.submit("taken")
    assert not executor.has_submitted("taken")
    assert aws.job("taken").status == "InProgress"


def test_an_impatient_user_does_not_wait_for_a_job_to_stop(make_simulated_aws: MakeAws, tmp_path: Path) -> None:
    stops = threading.Event()

    def stop_late(request: object, write_line: object, is_stopped: object) -> int:
        stops.wait(60)
        return 143

    aws = make_simulated_aws(stop_late)
    executor = make(aws, tmp_path)
    job_id = executor.submit()
    start = time.monotonic()
    executor.kill(job_id)
    assert time.monotonic() - start < 10
    assert executor.status(job_id).status is JobStatus.RUNNING
    assert aws.job(job_id).status == "Stopping"
    stops.set()
    aws.wait_for_status(job_id, "Stopped", timeout_seconds=10)
