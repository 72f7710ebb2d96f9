"""Hundreds of jobs at the same time: followed below AWS's documented rates, with a small and constant memory a job.

It takes minutes, since AWS lets nobody read so many logs in less: 25 looks a second, three a log. They are those of
an eager clock. Only the jobs' creation is faster than ours: plain boto3 does it.
"""

import gc
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.aws_emulator import AwsEmulator
from tests.eager_clock import EagerClock
from tests.integration.aws.numbers import MakeAws, make, output_of
from tests.integration.aws.support import build_request
from tests.processes import wait_for
from tg.common.delivery.sagemaker import JobStatus, SagemakerRemoteExecutor, SharedAccount
from tg.common.delivery.sagemaker.aws.call_rates import CallRates

JOBS = 500
FEW = 200
FIRST_END_SECONDS = 10
LAST_END_SECONDS = 40
LIMITS = {
    "logs:GetLogEvents": 25,
    "logs:DescribeLogStreams": 25,
    "logs:FilterLogEvents": 0,
    "sagemaker:ListTrainingJobs": 2,
    "sagemaker:DescribeTrainingJob": 20,
}
"""Calls a second; AWS documents no limit for the last one."""


class Jobs:
    """Functions that write three lines each and end one after the other; every tenth fails."""

    def __init__(self, clock: EagerClock) -> None:
        self._clock = clock
        self._start = clock.monotonic()

    def __call__(self, request: dict[str, Any], write_line: Any, is_stopped: Any) -> int:
        number = int(request["TrainingJobName"].rpartition("-")[2])
        write_line(f"{number} begins")
        write_line(f"###METRIC###loss:{number}.5###")
        end = self._start + FIRST_END_SECONDS + number * (LAST_END_SECONDS - FIRST_END_SECONDS) / JOBS
        with self._clock.working():
            self._clock.sleep(end - self._clock.monotonic())
            write_line(f"{number} ends")
        return 1 if number % 10 == 0 else 0


class Watcher(threading.Thread):
    """Notes when each job's end is known, as a sweep does that shows how far it is."""

    def __init__(self, account: SharedAccount, clock: EagerClock) -> None:
        super().__init__(daemon=True)
        self.known: dict[str, tuple[JobStatus, float]] = {}
        self._account = account
        self._clock = clock

    def run(self) -> None:
        with self._clock.working():
            while len(self.known) < JOBS:
                for job_id, status in self._account.statuses().items():
                    if status.is_final and job_id not in self.known:
                        self.known[job_id] = status, self._clock.time()
                self._clock.sleep(1)


class Followers:
    """A thread for each job, as in a sweep; each reads a log to its end and asks how the job has ended."""

    def __init__(self, executors: dict[str, SagemakerRemoteExecutor], clock: EagerClock) -> None:
        self.following: dict[str, Future[tuple[list[str], JobStatus]]] = {}
        self._executors = executors
        self._clock = clock
        self._pool = ThreadPoolExecutor(JOBS)

    def start(self, names: list[str]) -> None:
        """Starts them one after the other, since a sweep cannot start its jobs at once either."""
        for name in names:
            self.following[name] = self._pool.submit(self._follow, name)
            self._clock.sleep(0.01)

    def _follow(self, name: str) -> tuple[list[str], JobStatus]:
        with self._clock.working():
            return output_of(self._executors[name].logs(name)), self._executors[name].status(name).status


def create_all(aws: AwsEmulator) -> list[str]:
    client, names = aws.make_session().client("sagemaker"), [f"many-{number}" for number in range(JOBS)]
    for name in names:
        client.create_training_job(**build_request(aws, name))
    aws.calls.clear()
    return names


def memory_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


@pytest.fixture
def clock() -> Iterator[EagerClock]:
    with EagerClock() as clock:
        yield clock


def test_hundreds_of_jobs(make_simulated_aws: MakeAws, clock: EagerClock, tmp_path: Path) -> None:
    aws = make_simulated_aws(Jobs(clock), threads=JOBS, clock=clock)
    account = SharedAccount(session=aws.make_session(), rates=CallRates(clock=clock))
    with clock.working():
        names = create_all(aws)
        wait_for(lambda: clock.count_sleepers() == JOBS)
        executors = {name: make(aws, tmp_path, account=account) for name in names}
        executors[names[0]].status(names[0])  # what is imported and made once counts for no job
        followers, watcher = Followers(executors, clock), Watcher(account, clock)
        memory = [memory_kb()]
        gc.freeze()  # going through all that the emulator holds would stop it
        clock.start()
        watcher.start()
        followers.start(names[:FEW])
        clock.sleep(3)
        memory.append(memory_kb())
        followers.start(names[FEW:])
        clock.sleep(3)
        memory.append(memory_kb())
    watcher.join(120)
    late_seconds = {name: moment - (aws.job(name).ended or 0) for name, (_, moment) in watcher.known.items()}
    results = {name: each.result(120) for name, each in followers.following.items()}
    memory.append(memory_kb())
    gc.unfreeze()

    for number, name in enumerate(names):
        status = JobStatus.FAILED if number % 10 == 0 else JobStatus.COMPLETED
        assert results[name] == ([f"{number} begins", f"###METRIC###loss:{number}.5###", f"{number} ends"], status)
        assert watcher.known[name][0] is status
    assert len(late_seconds) == JOBS
    assert max(late_seconds.values()) < 30
    peaks = {name: aws.calls.peak(name, 1) for name in LIMITS}
    counts = {name: len(aws.calls.of(name)) for name in LIMITS}
    logging.info("Known after %d s; %s calls; in a second %s; kB %s", max(late_seconds.values()), counts, peaks, memory)
    assert {name: peak for name, peak in peaks.items() if peak > LIMITS[name]} == {}
    assert counts["sagemaker:ListTrainingJobs"] < 200
    assert memory[1] - memory[0] < 200 * FEW
    assert memory[2] - memory[1] < 200 * (JOBS - FEW)
    assert memory[3] - memory[0] < 200 * JOBS
