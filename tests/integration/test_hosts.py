"""Trainings on several hosts that are processes of this machine."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.deliveries import build_delivery
from tests.integration.host_tasks import DaskSquares, DaskWaiting, TorchMean
from tests.learner_libraries import require
from tests.processes import is_alive, wait_for
from tg.common.delivery.sagemaker import JobStatus, SagemakerProcessExecutor
from tg.common.delivery.sagemaker.contract.cluster import Distribution
from tg.common.ml.training_core import AbstractTrainingTask

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs")]


def make_executor(
    task: AbstractTrainingTask, folder: Path, hosts: int, engine: Distribution
) -> SagemakerProcessExecutor:
    return SagemakerProcessExecutor(build_delivery(task, folder, hosts=hosts, distribution=engine))


def read_log(executor: SagemakerProcessExecutor, job_id: str) -> str:
    return b"".join(event.data for event in executor.logs(job_id)).decode()


def read_workers(log: str) -> list[int]:
    found = re.search(r"workers \[([\d, ]+)\]", log)
    return [] if found is None else [int(each) for each in found[1].split(", ")]


@pytest.mark.parametrize("hosts", [1, 2, 4])
def test_dask_trains_on_the_workers_of_all_hosts(tmp_path: Path, hosts: int) -> None:
    require("distributed")
    executor = make_executor(DaskSquares(), tmp_path, hosts, Distribution("dask"))
    job_id = executor.submit()
    log = read_log(executor, job_id)
    assert executor.status(job_id).status is JobStatus.COMPLETED, log
    assert "###METRIC###sum:328350.0###\n" in log
    assert f"hosts {[f'algo-{number}' for number in range(1, hosts + 1)]} algo-1 True" in log
    assert len(read_workers(log)) == max(1, hosts - 1)
    assert not any(map(is_alive, read_workers(log)))
    with executor.load_result(job_id) as archive:
        assert archive.unpickle("runs/0/host.pkl") == "algo-1"


def test_torchrun_trains_in_all_processes_of_all_hosts(tmp_path: Path) -> None:
    require("torch")
    executor = make_executor(TorchMean(), tmp_path, 2, Distribution("torchrun", 2))
    job_id = executor.submit()
    log = read_log(executor, job_id)
    assert executor.status(job_id).status is JobStatus.COMPLETED, log
    assert log.count("###METRIC###sum:28.0###") == 1
    assert {line[:16] for line in log.splitlines() if "metric sum:28.0###" in line} == {
        "algo-1 rank 1 | ",
        "algo-2 rank 2 | ",
        "algo-2 rank 3 | ",
    }
    with executor.load_result(job_id) as archive:
        folders = ["", "hosts/algo-1/rank-1/", "hosts/algo-2/rank-2/", "hosts/algo-2/rank-3/"]
        assert [archive.unpickle(f"{each}runs/0/rank.pkl") for each in folders] == [0, 1, 2, 3]
        assert archive.get_path("hosts/algo-2/rank-3/tg_output/data/rank.txt").read_text() == "3"
        assert [each for each in archive.list() if each.endswith("task.json")] == ["task.json"]


@pytest.mark.parametrize("end", ["kill", "cancel"])
def test_all_hosts_end_together(tmp_path: Path, end: str) -> None:
    require("distributed")
    executor = make_executor(DaskWaiting(), tmp_path, 3, Distribution("dask"))
    job_id = executor.submit()
    output = ""
    for event in executor.logs(job_id):
        output += event.data.decode()
        if workers := read_workers(output):
            break
    if end == "kill":
        os.kill(workers[0], signal.SIGKILL)
    else:
        executor.cancel(job_id)
    wait_for(lambda: executor.status(job_id).status.is_final, 60)
    state = executor.status(job_id)
    if end == "kill":
        assert state.status is JobStatus.FAILED
        assert re.fullmatch(r"host algo-[23]: it was killed by SIGKILL, .*", str(state.reason))
    else:
        assert state.status is JobStatus.STOPPED
    wait_for(lambda: not any(map(is_alive, workers)), 10)
