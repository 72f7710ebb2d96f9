"""How many calls of AWS, and how much memory, it takes to follow 1, 10, 100 and 1,000 jobs on SageMaker.

An emulator of AWS runs the jobs in this process, and the time is that of an eager clock, on which minutes pass at once.
Each job has a thread that follows its log, as in a sweep, while another thread asks for the states of all. Each number
of jobs has a process of its own. All lines of all jobs must have been read, and how each job has ended.
"""

from __future__ import annotations

import gc
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness import Figure, Scale, call_in_fork, run
from tests.aws_emulator import AwsEmulator
from tests.eager_clock import EagerClock
from tests.integration.aws.support import BUCKET, LOG_GROUP, build_request
from tests.processes import wait_for
from tests.unrun_task import Task
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    JobStatus,
    RemoteOptions,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
    SagemakerRemoteExecutor,
    SharedAccount,
)
from tg.common.delivery.sagemaker.aws.call_rates import CallRates

# What is measured begins when all are followed.
MEASURED_SECONDS = 120
START_SECONDS = 30
LINE_SECONDS = 30
END_SECONDS = START_SECONDS + MEASURED_SECONDS + 10


def measure(scale: Scale) -> Iterator[Figure]:
    sizes = (1, 10, 100) if scale.short else (1, 10, 100, 1000)
    found = {size: call_in_fork(lambda size=size: watch(size)) for size in sizes}
    most = sizes[-1]
    for name, index, what, unit in (
        ("calls", 0, "calls of AWS for each job and minute", "calls"),
        ("memory", 1, "memory for each job that is followed", "kB"),
    ):
        each = {size: found[size][index] / size for size in sizes}
        yield Figure(
            f"watching.{name}.{most}",
            f"{what}, with {most:,} jobs",
            each[most] / each[1],
            "x",
            "1 job",
            wanted=0.99,
            details="; ".join(f"{size:,}: {value:,.3g} {unit}" for size, value in each.items()),
        )


def watch(size: int) -> tuple[float, float]:
    """Follows jobs to their end, and checks what was read.

    Returns:
        The calls a minute while all run, and how many kB of memory following them takes.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        EagerClock() as clock,
        AwsEmulator(build_job(clock), threads=size, clock=clock) as aws,
    ):
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_"))]:
            del os.environ[name]
        os.environ.update(aws.environment, TG_JOBS_PATH=f"{folder}/jobs")
        aws.create_bucket(BUCKET)
        return follow(aws, clock, size, Path(folder))


def build_job(clock: EagerClock) -> Callable[[dict[str, Any], Callable[[str], None], Any], int]:
    """Builds a job that writes lines now and then, and ends when all have been followed for long enough."""

    def work(request: dict[str, Any], write_line: Callable[[str], None], is_stopped: Any) -> int:
        with clock.working():
            for number in range(END_SECONDS // LINE_SECONDS):
                write_line(f"line {number}")
                clock.sleep((number + 1) * LINE_SECONDS - clock.monotonic())
        return 0

    return work


def follow(aws: AwsEmulator, clock: EagerClock, size: int, folder: Path) -> tuple[float, float]:
    names = [f"watched-{number}" for number in range(size)]

    has_begun = threading.Semaphore(0)

    def read(executor: SagemakerRemoteExecutor, name: str) -> tuple[list[str], JobStatus]:
        with clock.working():
            has_begun.release()
            lines = [event.data.decode().rstrip() for event in executor.logs(name) if event.has_metrics]
            return lines, executor.status(name).status

    def ask(account: SharedAccount) -> None:
        with clock.working():
            has_begun.release()
            while clock.monotonic() < END_SECONDS:
                account.statuses()
                clock.sleep(1)

    with clock.working(), ThreadPoolExecutor(size) as pool:
        start_jobs(aws, names)
        wait_for(lambda: clock.count_sleepers() == size)
        gc.collect()
        gc.freeze()  # to go through all that the emulator holds would stop it
        memory = memory_kb()
        account = SharedAccount(session=aws.make_session(), rates=CallRates(clock=clock))
        executors = [build_executor(aws, folder, account) for _ in names]
        executors[0].status(names[0])  # what is imported and connected once takes no time of the jobs
        clock.start()
        asking = threading.Thread(target=ask, args=(account,), daemon=True)
        asking.start()
        has_begun.acquire()
        following = []
        for executor, name in zip(executors, names, strict=True):
            following.append(pool.submit(read, executor, name))
            has_begun.acquire()
            clock.sleep(START_SECONDS / 2 / size)
        clock.sleep(START_SECONDS - clock.monotonic())
        aws.calls.clear()
        clock.sleep(MEASURED_SECONDS)
        calls, used = len(aws.calls), memory_kb() - memory
        clock.sleep(END_SECONDS)
        asking.join()
        written = [f"line {number}" for number in range(END_SECONDS // LINE_SECONDS)]
        assert [each.result(600) for each in following] == [(written, JobStatus.COMPLETED)] * size
    return calls * 60 / MEASURED_SECONDS, used


def start_jobs(aws: AwsEmulator, names: list[str]) -> None:
    """Starts jobs, and lets the emulator load what it needs to tell of them."""
    session = aws.make_session()
    client, logs = session.client("sagemaker"), session.client("logs")
    for name in names:
        client.create_training_job(**build_request(aws, name))
    client.describe_training_job(TrainingJobName=names[0])
    client.list_training_jobs()
    wait_for(lambda: bool(logs.describe_log_groups()["logGroups"]))
    stream = logs.describe_log_streams(logGroupName=LOG_GROUP)["logStreams"][0]["logStreamName"]
    logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream)


def build_executor(aws: AwsEmulator, folder: Path, account: SharedAccount) -> SagemakerRemoteExecutor:
    job = SagemakerJob(Task())
    packaging = Packaging("Watched", "0", {"job": job})
    remote = RemoteOptions(image_uri="an/image:1")
    options = SagemakerOptions(aws.role_arn, BUCKET, "watched", folder, remote=remote)
    config = SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)
    return SagemakerRemoteExecutor(config, account=account)


def memory_kb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4.096


if __name__ == "__main__":
    run(measure, __doc__ or "")
