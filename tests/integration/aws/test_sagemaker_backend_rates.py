"""How often ``tg-sagemaker`` asks AWS, also while something is wrong there."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from tests.aws_emulator.emulator import ROLE_NAME
from tests.integration.aws.backend_support import states_of
from tests.integration.aws.numbers import MakeAws
from tests.support import ProjectFolder, all_runs

RUNS = 10
JOB_SECONDS = 8
PER_SECOND = {
    "logs:GetLogEvents": 25,
    "logs:DescribeLogStreams": 25,
    "logs:FilterLogEvents": 5,
    "sagemaker:ListTrainingJobs": 2,
}
"""AWS's published limits for an account and region."""

CALLED = {
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
    "s3:HeadBucket",
    "s3:HeadObject",
    "s3:PutObject",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sts:GetCallerIdentity",
}


def test_ten_runs_at_a_time_keep_below_awss_limits(
    make_simulated_aws: MakeAws, small_project: ProjectFolder, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last(request: Any, write_line: Any, is_stopped: Any) -> int:
        end = time.monotonic() + JOB_SECONDS
        while time.monotonic() < end and not is_stopped():
            write_line("###METRIC###loss:0.5###")
            time.sleep(0.2)
        return 1

    def train() -> None:
        run = mlflow.projects.run(
            str(small_project.path), backend="tg-sagemaker", experiment_name="test", synchronous=False
        )
        assert not run.wait()

    aws = make_simulated_aws(last)
    monkeypatch.setenv("AWS_ROLE", ROLE_NAME)  # which account it is of has to be asked
    for operation in CALLED:
        aws.faults.throttle(operation, 2)
        aws.faults.break_down(operation)
    with ThreadPoolExecutor(RUNS) as pool:
        for each in [pool.submit(train) for _ in range(RUNS)]:
            each.result()
    assert states_of(aws) == ["Failed"] * RUNS
    assert {run.info.status for run in all_runs(store)} == {"FAILED"}
    # In ten seconds, as a busy machine lets calls come in heaps that have left one by one.
    peaks = {operation: aws.calls.peak(operation, 10) for operation in PER_SECOND}
    assert {name: peak for name, peak in peaks.items() if peak > 10 * PER_SECOND[name]} == {}
    assert peaks["logs:GetLogEvents"] > 0
    assert aws.calls.names() == CALLED
    assert {call.name for call in aws.calls if call.status >= 400} == CALLED
    # There are no published limits for these. One run looks at its job every four seconds, and some times besides when
    # it begins and ends, which ten runs do at the same moment.
    assert aws.calls.peak("sagemaker:DescribeTrainingJob", 10) <= 150
    assert aws.calls.peak("sagemaker:CreateTrainingJob") <= RUNS
    # One run looks at its log once a second, and mostly needs two pages.
    assert aws.calls.peak("logs:GetLogEvents", 10) <= 220
