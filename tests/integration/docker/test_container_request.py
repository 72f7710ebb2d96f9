import signal
from pathlib import Path
from typing import Any

import pytest

from tg.common import ContainerError
from tg.common.delivery.sagemaker import JobState, JobStatus, SagemakerOptions
from tg.common.delivery.sagemaker.container.request import build_container_request, parse_memory
from tg.common.delivery.sagemaker.container.state import build_job_state
from tg.common.delivery.sagemaker.contract.ml_folder import CHANNEL


def make_options(**options: Any) -> SagemakerOptions:
    return SagemakerOptions(None, None, "titanic", "datasets", **options)


def test_the_least_request() -> None:
    request = build_container_request(
        "task-1", "sha256:abc", make_options(), "job", {}, is_mounted=True, stop_grace_seconds=120
    )
    assert request == {
        "Image": "sha256:abc",
        "Cmd": ["train"],
        "Env": [
            "TRAINING_JOB_NAME=task-1",
            "TRAINING_JOB_ARN=arn:aws:sagemaker:local:000000000000:training-job/task-1",
            "TG_RESOURCE=job",
            "TG_STOP_SECONDS=120",
        ],
        "Labels": {"tg-mlflow.job": "task-1", "tg-mlflow.project": "titanic"},
        "StopSignal": "SIGTERM",
        "StopTimeout": 120,
        "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1p"}}},
    }


def test_the_greatest_request(tmp_path: Path) -> None:
    dataset = tmp_path / "rows.parquet"
    dataset.touch()
    options = make_options(
        cpus=1.5,
        memory="2g",
        gpus="all",
        network="none",
        environment={"COLOUR": "red"},
    )
    request = build_container_request(
        "task-1", "image", options, "job_7", {CHANNEL: dataset}, is_mounted=True, stop_grace_seconds=2.5
    )
    assert request["Env"][2:] == ["TG_RESOURCE=job_7", "TG_STOP_SECONDS=3", "TG_DATASET=rows.parquet", "COLOUR=red"]
    assert request["StopTimeout"] == 3
    assert request["HostConfig"] == {
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1p"}},
        "Mounts": [
            {
                "Type": "bind",
                "Source": str(dataset),
                "Target": "/opt/ml/input/data/training/rows.parquet",
                "ReadOnly": True,
            }
        ],
        "NanoCpus": 1_500_000_000,
        "Memory": 2_147_483_648,
        "MemorySwap": 2_147_483_648,
        "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}],
        "NetworkMode": "none",
    }


def test_a_folder_is_the_channel_and_data_of_a_far_daemon_are_not_mounted(tmp_path: Path) -> None:
    near = build_container_request(
        "task-1", "image", make_options(gpus=2), "job", {CHANNEL: tmp_path}, is_mounted=True, stop_grace_seconds=0
    )
    assert [mount["Target"] for mount in near["HostConfig"]["Mounts"]] == ["/opt/ml/input/data/training"]
    assert near["HostConfig"]["DeviceRequests"] == [{"Count": 2, "Capabilities": [["gpu"]]}]
    far = build_container_request(
        "task-1", "image", make_options(), "job", {CHANNEL: tmp_path}, is_mounted=False, stop_grace_seconds=0
    )
    assert "Mounts" not in far["HostConfig"]
    assert "TG_DATASET=." in far["Env"]


@pytest.mark.parametrize(
    ("text", "count"), [("512m", 536_870_912), ("1.5G", 1_610_612_736), ("64MiB", 67_108_864), ("7", 7), ("8 kb", 8192)]
)
def test_memory(text: str, count: int) -> None:
    assert parse_memory(text) == count


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": "much"}, "memory is 'much'; give a number and a unit, such as '512m' or '4g'"),
        ({"memory": "0g"}, "memory is '0g'; give a number and a unit, such as '512m' or '4g'"),
        ({"cpus": 0}, "cpus is 0; give a number above 0"),
        ({"gpus": "some"}, "gpus is 'some'; give 'all' or a number above 0"),
        ({"gpus": 0}, "gpus is 0; give 'all' or a number above 0"),
    ],
)
def test_what_cannot_be_meant(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ContainerError) as caught:
        build_container_request(
            "task-1", "image", make_options(**options), "job", {}, is_mounted=True, stop_grace_seconds=0
        )
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("engine", "cancelled", "failure", "state"),
    [
        ({"Status": "created", "ExitCode": 0}, False, None, JobState(JobStatus.QUEUED)),
        (
            {"Status": "paused", "ExitCode": 0},
            True,
            None,
            JobState(JobStatus.RUNNING, None, "its container is paused; `docker unpause` lets it go on"),
        ),
        ({"Status": "exited", "ExitCode": 0}, True, None, JobState(JobStatus.COMPLETED, 0)),
        ({"Status": "exited", "ExitCode": 1}, True, "x", JobState(JobStatus.STOPPED, 1, "it was stopped")),
        ({"Status": "exited", "ExitCode": 143}, False, "x", JobState(JobStatus.STOPPED, 143, "it was stopped")),
        (
            {"Status": "exited", "ExitCode": 128 + signal.SIGKILL, "OOMKilled": True},
            False,
            None,
            JobState(
                JobStatus.FAILED,
                137,
                "out of memory: the container was killed, and it had no limit; use a machine with more memory",
            ),
        ),
        (
            {"Status": "exited", "ExitCode": 1, "OOMKilled": True},
            False,
            None,
            JobState(
                JobStatus.FAILED,
                1,
                "it exited with code 1; one of its processes was killed for lack of memory; raise `memory`",
            ),
        ),
    ],
)
def test_states(engine: dict[str, Any], cancelled: bool, failure: str | None, state: JobState) -> None:
    assert build_job_state({"State": engine, "HostConfig": {"Memory": 0}}, cancelled, failure) == state
