"""A job that is a fork of a process with its libraries is what a job is that is started."""

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy  # noqa: F401 - prepare imports it for jobs, too
import pytest

from tests.common.delivery.sagemaker.machine.versatile_task import Task
from tests.deliveries import build_delivery
from tests.processes import wait_for
from tg.common.delivery.sagemaker import JobState, JobStatus, ProcessExecutor, SagemakerConfig
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.machine.job_forks import JobForks, list_common_modules

pytestmark = [
    pytest.mark.starts_process,
    pytest.mark.usefixtures("jobs"),
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]


# What each job draws for itself, and what scikit-learn sets where it is imported.
DRAWN = ("MLFLOW_RUN_ID", "TG_MADE_UP_RUN_ID", "TG_RUN_ID")
SET_BY_LIBRARIES = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")


def submit(executor: ProcessExecutor, delivery: SagemakerConfig) -> tuple[str, str]:
    """Returns the job's id and its output."""
    request = executor.plan(delivery)
    executor.submit(request)
    return request.job_id, b"".join(event.data for event in executor.logs(request.job_id)).decode()


def prepare(delivery: SagemakerConfig) -> ProcessExecutor:
    executor = ProcessExecutor()
    executor.prepare(delivery)
    return executor


def is_fork(job_id: str) -> bool:
    """Whether a job was started without a supervisor that is this process's child."""
    process = JobFolder.find(job_id).read_json("process.json")
    assert process is not None
    status = Path(f"/proc/{process['supervisor']['pid']}/status").read_text()
    return f"PPid:\t{os.getpid()}\n" not in status


def describe(executor: ProcessExecutor, delivery: SagemakerConfig) -> dict[str, Any]:
    job_id, text = submit(executor, delivery)
    found = re.search("described (.*)", text)
    assert found, text
    described: dict[str, Any] = json.loads(found[1].replace(job_id, "JOB"))
    return described


def test_a_fork_has_what_a_started_job_has(tmp_path: Path) -> None:
    delivery = build_delivery(Task("describe_process"), tmp_path, environment={"SEEN": "1"})
    started, forked = (describe(each, delivery) for each in (ProcessExecutor(), prepare(delivery)))
    for each in (started, forked):
        for name in (*DRAWN, *SET_BY_LIBRARIES):
            each["variables"].pop(name, None)
    assert forked == started
    assert forked["command"][-1:] == ["train"]
    assert forked["variables"]["SEEN"] == "1"


def test_forks_draw_other_random_numbers(tmp_path: Path) -> None:
    delivery = build_delivery(Task("draw_numbers"), tmp_path)
    executor = prepare(delivery)
    drawn = [re.findall(r"numbers=(\S+) (\S+)", submit(executor, delivery)[1])[0] for _ in range(2)]
    assert len({number for pair in drawn for number in pair}) == 4


def test_a_fork_goes_on_without_the_process_that_it_is_from(tmp_path: Path) -> None:
    delivery = build_delivery(Task("wait"), tmp_path)
    executor = prepare(delivery)
    request = executor.plan(delivery)
    executor.submit(request)
    assert is_fork(request.job_id)
    assert executor._forks is not None
    executor._forks.close()
    assert next(event for event in executor.logs(request.job_id) if b"waiting" in event.data)
    executor.cancel(request.job_id)
    assert executor.status(request.job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")


def test_a_killed_fork_is_known_by_its_signal(tmp_path: Path) -> None:
    delivery = build_delivery(Task("die"), tmp_path)
    executor = prepare(delivery)
    state = executor.status(submit(executor, delivery)[0])
    assert (state.status, state.exit_code) == (JobStatus.FAILED, -9)


def test_the_end_of_the_process_is_noticed_while_its_jobs_go_on(tmp_path: Path) -> None:
    delivery = build_delivery(Task("wait"), tmp_path)
    executor = prepare(delivery)
    request = executor.plan(delivery)
    executor.submit(request)
    forks = executor._forks
    assert forks is not None
    os.kill(forks.pid, signal.SIGKILL)
    assert forks._answers.readline() == ""  # at once, not when the patience with it ends
    executor.kill(request.job_id)
    assert executor.status(request.job_id).status is JobStatus.STOPPED


@pytest.mark.parametrize("end", ["killed", "closed"])
def test_jobs_are_started_where_they_can_no_longer_be_forked(tmp_path: Path, end: str) -> None:
    delivery = build_delivery(Task("train"), tmp_path)
    executor = prepare(delivery)
    assert executor._forks is not None
    if end == "killed":
        os.kill(executor._forks.pid, signal.SIGKILL)
        wait_for(lambda: executor._forks is not None and executor._forks.has_ended)
    else:
        executor._forks.close()
    assert "###METRIC###loss:1.5###" in submit(executor, delivery)[1]


def start(forks: JobForks, folder: Path, variables: dict[str, str]) -> object:
    try:
        return forks.start(folder, [sys.executable, "-u", "train.py", "train"], variables)
    finally:
        forks.close()


def test_a_job_with_other_variables_is_not_forked(tmp_path: Path) -> None:
    forks = JobForks({"PYTHONPATH": "/package", "OMP_NUM_THREADS": "1", "TG_ML_FOLDER": "/one"})
    assert forks.suits({"PYTHONPATH": "/other", "OMP_NUM_THREADS": "1", "TG_ML_FOLDER": "/two", "MLFLOW_RUN_ID": "1"})
    assert not forks.suits({"PYTHONPATH": "/package:/libraries", "OMP_NUM_THREADS": "1"})
    assert start(forks, tmp_path, {"PYTHONPATH": "/package", "OMP_NUM_THREADS": "2"}) is None


def test_a_job_with_a_relative_path_is_not_forked(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": "/package:src"}
    assert start(JobForks(variables), tmp_path, variables) is None


def test_what_importing_says_stays_in_the_jobs_log(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": "/package"}
    forks = JobForks(variables)
    forks.import_modules(["this"])
    assert start(forks, tmp_path, variables) is None


def test_only_libraries_that_can_be_forked_are_imported() -> None:
    imported = ["json", "sklearn.ensemble", "sklearn._config", "sklearn.experimental.x", "torch", "pandas.io", "tasks"]
    assert list_common_modules(imported) == ["pandas.io", "sklearn.ensemble"]
