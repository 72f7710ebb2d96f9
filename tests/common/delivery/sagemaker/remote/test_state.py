from typing import Any

import pytest

from tg.common.delivery.sagemaker import JobState, JobStatus
from tg.common.delivery.sagemaker.aws.s3_location import S3Location
from tg.common.delivery.sagemaker.remote.facts import build_console_url, build_facts
from tg.common.delivery.sagemaker.remote.result import RemoteResult
from tg.common.delivery.sagemaker.remote.state import JobDescription, StatusTransition, build_remote_state

RUNNING = JobState(JobStatus.RUNNING)


def queued(reason: str | None) -> JobState:
    return JobState(JobStatus.QUEUED, None, reason)


@pytest.mark.parametrize(
    ("status", "secondary", "state"),
    [
        ("InProgress", "", queued(None)),
        ("InProgress", "Starting", queued("Starting")),
        ("InProgress", "Pending", queued("Pending")),
        ("InProgress", "LaunchingMLInstances", queued("LaunchingMLInstances")),
        ("InProgress", "Interrupted", queued("Interrupted")),
        ("InProgress", "Restarting", queued("Restarting")),
        ("InProgress", "Downloading", RUNNING),
        ("InProgress", "Training", RUNNING),
        ("InProgress", "Uploading", RUNNING),
        ("InProgress", "SomethingNew", RUNNING),
        ("Stopping", "Stopping", RUNNING),
        ("Deleting", "", RUNNING),
        (
            "SomethingNew",
            "SomethingNew",
            JobState(JobStatus.RUNNING, None, "SageMaker calls it 'SomethingNew', which is not known here"),
        ),
        ("Completed", "Completed", JobState(JobStatus.COMPLETED, 0)),
        ("Stopped", "Stopped", JobState(JobStatus.STOPPED, None, "it was stopped")),
        ("Failed", "Failed", JobState(JobStatus.FAILED, 1, "AlgorithmError: no rows, exit code: 1")),
        (
            "Stopped",
            "MaxRuntimeExceeded",
            JobState(
                JobStatus.FAILED,
                None,
                "its time to run is over: max_run_seconds is 600; raise it (MaxRuntimeExceeded)",
            ),
        ),
        (
            "Stopped",
            "MaxWaitTimeExceeded",
            JobState(
                JobStatus.FAILED,
                None,
                "its time to wait and run is over: max_wait_seconds is 900; raise it (MaxWaitTimeExceeded)",
            ),
        ),
    ],
)
def test_every_status_is_a_state(status: str, secondary: str, state: JobState) -> None:
    reason = "AlgorithmError: no rows,\n  exit code: 1"
    job = JobDescription("j", "", status, secondary, reason, max_run_seconds=600, max_wait_seconds=900)
    assert build_remote_state(job) == state


def test_a_job_that_waits_says_for_what() -> None:
    steps = [StatusTransition("Starting", 1, "Starting the job"), StatusTransition("Starting", 2, "No capacity yet")]
    job = JobDescription("j", "", "InProgress", "Starting", transitions=steps)
    assert build_remote_state(job) == queued("Starting - No capacity yet")


@pytest.mark.parametrize(
    ("reason", "exit_code", "said"),
    [
        (
            "AlgorithmError: , exit code: 137",
            137,
            "; it was killed, as the kernel does where memory is short: take a machine with more",
        ),
        ("AlgorithmError: it was killed by SIGKILL, as the kernel does where memory is short, exit code: 137", 137, ""),
        ("OutOfMemoryError: Please use an instance type with more memory, exit code: 137", 137, ""),
        ("AlgorithmError: no rows, exit code: 1375", None, ""),
        ("AlgorithmError: tar has ended with exit code 137, exit code: 2", 2, ""),
    ],
)
def test_a_job_that_was_killed_names_memory(reason: str, exit_code: int | None, said: str) -> None:
    state = build_remote_state(JobDescription("job", "", "Failed", failure_reason=reason))
    assert state == JobState(JobStatus.FAILED, exit_code, reason + said)


def test_a_failure_without_a_reason() -> None:
    state = build_remote_state(JobDescription("j", "", "Failed", "Failed"))
    assert state == JobState(JobStatus.FAILED, None, "SageMaker gives no reason")


@pytest.mark.parametrize(
    ("reason", "lacks_machine"),
    [
        ("CapacityError: Unable to provision requested ML compute capacity.", True),
        ("InsufficientCapacityError", True),
        ("AlgorithmError: exit code 1", False),
        ("", False),
    ],
)
def test_want_of_machines_is_told_from_other_failures(reason: str, lacks_machine: bool) -> None:
    assert build_remote_state(JobDescription("j", "", "Failed", "Failed", reason)).lacks_machine is lacks_machine


def test_facts() -> None:
    job = JobDescription(
        "titanic-1",
        "arn:aws:sagemaker:eu-central-1:111122223333:training-job/titanic-1",
        "Completed",
        image="r.example/x@sha256:0f",
        instance_type="ml.m5.large",
        is_spot=True,
        output_uri="s3://pail/output",
        training_seconds=500,
        billable_seconds=100,
    )
    facts = build_facts(job, "eu-central-1", RemoteResult(S3Location("pail", "output/model.tar.gz"), 12, ""))
    assert facts.tags == {
        "region": "eu-central-1",
        "instance_type": "ml.m5.large",
        "job_arn": "arn:aws:sagemaker:eu-central-1:111122223333:training-job/titanic-1",
        "image": "r.example/x@sha256:0f",
        "image_digest": "sha256:0f",
        "console_url": "https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/jobs/titanic-1",
        "output_uri": "s3://pail/output/titanic-1/output/",
        "result_uri": "s3://pail/output/model.tar.gz",
    }
    assert facts.metrics == {
        "instance_count": 1,
        "training_seconds": 500,
        "billable_seconds": 100,
        "spot_saving": 0.8,
        "result_bytes": 12,
    }


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, None),  # it waits for its machines
        ({"training_start_ms": 1_000_000}, 90.5),
        ({"training_start_ms": 1_200_000}, 0),  # the clocks differ
        ({"training_start_ms": 1_000_000, "status": "Failed"}, None),  # only AWS knows
        ({"training_start_ms": 1_000_000, "status": "Stopped", "billable_seconds": 60}, 60),
    ],
)
def test_a_job_is_paid_for_from_when_it_has_its_machines(changes: dict[str, Any], seconds: float | None) -> None:
    job = JobDescription(**{"job_id": "titanic-1", "arn": "", "status": "InProgress", **changes})
    assert build_facts(job, "eu-central-1", now_seconds=1_090.5).metrics.get("billable_seconds") == seconds


def test_other_partitions_have_consoles_of_their_own() -> None:
    url = build_console_url("j", "cn-north-1", "aws-cn")
    assert url == "https://console.amazonaws.cn/sagemaker/home?region=cn-north-1#/jobs/j"
