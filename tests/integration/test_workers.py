"""Processes that a training starts, where it shares a process with its launcher and where it has one."""

import importlib.util
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.deliveries import build_delivery
from tests.integration.worker_tasks import METHODS, Working
from tg.common.delivery.sagemaker import (
    ConfiguredExecutor,
    MetricLineParser,
    SagemakerAttachedExecutor,
    SagemakerProcessExecutor,
)


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("make_executor", [SagemakerAttachedExecutor, SagemakerProcessExecutor])
def test_workers_of_every_kind_work(
    make_executor: type[SagemakerAttachedExecutor | SagemakerProcessExecutor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    executor = make_executor(build_delivery(Working(), tmp_path))
    log = read_log(executor, executor.submit())
    kinds = ["pool", "executor", *(["loader"] if importlib.util.find_spec("torch") else [])]
    expected = dict.fromkeys([f"{method} {kind}" for method, kind in product(METHODS, kinds)] + ["loky"], 285.0)
    parser = MetricLineParser()
    assert {point.name: point.value for point in parser.feed(log, 0)} == expected, log.decode()
    assert b"Traceback" not in log
    assert log.count(b"Starting training now...") == 1
    assert Path("notes.txt").exists() == (make_executor is SagemakerAttachedExecutor)


NOTEBOOK = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions, SagemakerProcessExecutor
from tg.common.ml.training_core import AbstractTrainingTask

class Power:
    exponent = 2

def square(number):
    return number**Power.exponent

class Task(AbstractTrainingTask):
    def run_with_environment(self, data, environment):
        for method in ("spawn", "fork"):
            context = multiprocessing.get_context(method)
            with context.Pool(2) as pool:
                environment.output_metric(f"{method} pool", sum(pool.map(square, range(10))))
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                environment.output_metric(f"{method} executor", sum(executor.map(square, range(10))))

job = SagemakerJob(Task())
packaging = Packaging("Notebook", "0", {"job": job})
packaging.silent = True
options = SagemakerOptions(None, None, "notebook", ".", None)
SagemakerProcessExecutor(SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)).execute()
"""


def test_functions_of_a_notebook_work_in_a_process_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOTEBOOK]
    variables = {**os.environ, "TG_JOBS_PATH": str(tmp_path / "jobs")}
    result = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    points = MetricLineParser().feed(result.stdout.encode(), 0)
    kinds = ("spawn pool", "spawn executor", "fork pool", "fork executor")
    assert {point.name: point.value for point in points} == dict.fromkeys(kinds, 285.0)


def read_log(executor: ConfiguredExecutor[Any], job_id: str) -> bytes:
    return b"".join(event.data for event in executor.logs(job_id))
