"""An executor knows its place and nothing of what is trained: jobs of others are its jobs, too."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.common.delivery.sagemaker.machine.versatile_task import Task
from tests.deliveries import build_delivery
from tests.processes import is_alive
from tg.common import DeliveryError
from tg.common.delivery.sagemaker import (
    AttachedExecutor,
    Executor,
    JobRequest,
    JobState,
    JobStatus,
    LogEvent,
    ProcessExecutor,
    ProcessOptions,
    SagemakerConfig,
    SagemakerProcessExecutor,
    Traits,
)

pytestmark = pytest.mark.usefixtures("jobs")


def deliver(what: str, folder: Path, **options: Any) -> SagemakerConfig:
    return build_delivery(Task(what), folder, **options)


def text_of(executor: Executor, job_id: str) -> str:
    return b"".join(event.data for event in executor.logs(job_id)).decode()


def wait_for(executor: Executor, job_id: str, text: bytes) -> bytes:
    return next(event.data for event in executor.logs(job_id) if text in event.data)


def test_a_plan_names_a_job_and_does_nothing(tmp_path: Path, jobs: Path) -> None:
    executor, delivery = ProcessExecutor(), deliver("train", tmp_path, dataset="missing.csv")
    first, second = executor.plan(delivery), executor.plan(delivery)
    assert first.job_id != second.job_id
    assert executor.plan(delivery, "mine") == JobRequest("mine", delivery)
    assert not jobs.exists()
    assert not executor.has_submitted(first.job_id)


@pytest.mark.starts_process
def test_another_executor_follows_a_job_to_its_results(tmp_path: Path) -> None:
    submitting = ProcessExecutor()
    request = submitting.plan(deliver("train", tmp_path))
    submitting.submit(request)
    following = ProcessExecutor()
    assert following.has_submitted(request.job_id)
    assert "###METRIC###loss:1.5###" in text_of(following, request.job_id)
    assert following.status(request.job_id) == JobState(JobStatus.COMPLETED, 0)
    following.collect(request.job_id)
    with following.load_result(request.job_id) as archive:
        assert "runs/0/model.pkl" in archive.list()
    following.discard(request.job_id)
    with pytest.raises(DeliveryError, match="there is no job"):
        submitting.status(request.job_id)


@pytest.mark.starts_process
def test_another_executor_gives_a_job_its_own_time_to_stop(tmp_path: Path) -> None:
    # Of itself the job would be given 120 seconds, which is longer than a test may take.
    patient = SagemakerProcessExecutor(deliver("refuse_to_stop", tmp_path))
    assert patient.executor.options == ProcessOptions(stop_grace_seconds=120)
    job_id = patient.submit()
    child = int(wait_for(patient.executor, job_id, b"child ").rpartition(b"child ")[2])
    ProcessExecutor(ProcessOptions(stop_grace_seconds=1)).cancel(job_id)
    assert patient.status(job_id) == JobState(JobStatus.STOPPED, -9, "it was stopped")
    assert not is_alive(child)


@pytest.mark.starts_process
def test_another_process_follows_and_stops_a_job_by_its_id_alone(tmp_path: Path) -> None:
    executor = ProcessExecutor()
    request = executor.plan(deliver("wait", tmp_path))
    executor.submit(request)
    script = (
        "import sys\n"
        "from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions\n"
        "executor = ProcessExecutor(ProcessOptions(stop_grace_seconds=60))\n"
        "next(event for event in executor.logs(sys.argv[1]) if b'waiting' in event.data)\n"
        "executor.cancel(sys.argv[1])\n"
        "print(executor.status(sys.argv[1]).reason)\n"
    )
    result = subprocess.run([sys.executable, "-c", script, request.job_id], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("it was stopped\n", "")
    assert executor.status(request.job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")


@pytest.mark.starts_process
def test_one_executor_starts_different_trainings_from_two_threads(tmp_path: Path) -> None:
    executor, both_run = ProcessExecutor(), Barrier(2)
    requests = [executor.plan(deliver("train", tmp_path, hyperparameters={"size": size})) for size in ("2", "3")]

    def train(request: JobRequest) -> str:
        both_run.wait(60)
        executor.submit(request)
        return text_of(executor, request.job_id)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(train, requests)
    assert ("loss:2.0###" in first, "loss:3.0###" in first) == (True, False)
    assert ("loss:2.0###" in second, "loss:3.0###" in second) == (False, True)
    assert [executor.status(each.job_id).status for each in requests] == [JobStatus.COMPLETED] * 2


def test_trainings_in_this_process_take_turns_and_keep_their_outputs_apart(tmp_path: Path) -> None:
    executor, both_run = AttachedExecutor(), Barrier(2)
    requests = [executor.plan(deliver("train", tmp_path, hyperparameters={"size": size})) for size in ("2", "3")]

    def train(request: JobRequest) -> str:
        heard: list[LogEvent] = []
        both_run.wait(60)
        executor.submit(request, heard.append)
        text = b"".join(event.data for event in heard).decode()
        assert text == text_of(AttachedExecutor(), request.job_id)
        return text

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(train, requests)
    assert ("loss:2.0###" in first, "loss:3.0###" in first) == (True, False)
    assert ("loss:2.0###" in second, "loss:3.0###" in second) == (False, True)


def test_what_tells_these_jobs_from_others() -> None:
    assert AttachedExecutor().traits == Traits(is_in_process=True, starts_at_once=True, takes_checkpoints=True)
    assert ProcessExecutor().traits == Traits(takes_checkpoints=True)
    assert asdict(AttachedExecutor().options) == {}
    assert asdict(ProcessExecutor().options) == {"stop_grace_seconds": 120}
