"""Jobs that are functions and write numbered lines, for tests without Docker."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.conftest import BUCKET
from tests.unrun_task import Task
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    LogEvent,
    Pacing,
    RemoteOptions,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
    SagemakerRemoteExecutor,
    SharedAccount,
)
from tg.common.delivery.sagemaker.contract.cluster import Distribution

FAST = Pacing(
    status_seconds=0.1,
    log_seconds=0.05,
    quiet_seconds=0.5,
    drain_seconds=20,
    search_seconds=0.1,
    streams_seconds=0.3,
    create_seconds=0.05,
    patience_seconds=20,
)
COUNT = 300

RunJob = Callable[[dict[str, Any], Callable[[str], None], Callable[[], bool]], int]
MakeAws = Callable[..., AwsEmulator]


def count(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    """Writes numbers, for half a second."""
    for number in range(COUNT):
        write_line(f"line {number}")
        if number % 50 == 0:
            time.sleep(0.08)
    return 0


def wait(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    """Writes that it is ready and waits to be stopped."""
    time.sleep(0.02)  # whatever is of the same millisecond has no order
    write_line("ready")
    while not is_stopped():
        time.sleep(0.02)
    write_line("stopping")
    return 143


def make(
    aws: AwsEmulator, tmp_path: Path, pacing: Pacing = FAST, account: SharedAccount | None = None, **remote: Any
) -> SagemakerRemoteExecutor:
    job = SagemakerJob(Task())
    packaging = Packaging("Numbers", "0", {"job": job})
    packaging.silent = True
    options = SagemakerOptions(
        aws.role_arn,
        BUCKET,
        "numbers",
        tmp_path,
        distribution=Distribution("dask") if remote.get("instance_count", 1) > 1 else None,
        remote=RemoteOptions(image_uri="an/image:1", **remote),
    )
    return SagemakerRemoteExecutor(
        SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options), pacing=pacing, account=account
    )


def output_of(events: Iterator[LogEvent]) -> list[str]:
    return [event.data.decode().rstrip() for event in events if event.has_metrics]


def lines() -> list[str]:
    return [f"line {number}" for number in range(COUNT)]
