"""Processes that a training starts, where it shares a process with its launcher and where it has one."""

import importlib.util
from itertools import product
from pathlib import Path

import pytest

from tests.integration.worker_tasks import METHODS, Working
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    MetricLineParser,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerExecutor,
    SagemakerJob,
    SagemakerOptions,
    SagemakerProcessExecutor,
)


@pytest.mark.parametrize("make_executor", [SagemakerAttachedExecutor, SagemakerProcessExecutor])
def test_workers_of_every_kind_work(
    make_executor: type[SagemakerAttachedExecutor | SagemakerProcessExecutor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    job = SagemakerJob(Working())
    packaging = Packaging("Working", "0", {"job": job})
    packaging.silent = True
    options = SagemakerOptions(None, None, "working", tmp_path, None)
    executor = make_executor(SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options))
    log = read_log(executor, executor.submit())
    kinds = ["pool", "executor", *(["loader"] if importlib.util.find_spec("torch") else [])]
    expected = dict.fromkeys([f"{method} {kind}" for method, kind in product(METHODS, kinds)] + ["loky"], 285.0)
    parser = MetricLineParser()
    assert {point.name: point.value for point in parser.feed(log, 0)} == expected, log.decode()
    assert b"Traceback" not in log
    assert log.count(b"Starting training now...") == 1
    assert not Path("notes.txt").exists()


def read_log(executor: SagemakerExecutor, job_id: str) -> bytes:
    return b"".join(event.data for event in executor.logs(job_id))
