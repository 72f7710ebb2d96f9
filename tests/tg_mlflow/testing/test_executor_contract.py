"""What runs in this process passes the contract of executors."""

import math
import pickle

import pytest

from tg.common import PackagingError
from tg.common.delivery.sagemaker import AttachedExecutor, SagemakerJob, format_metric_line
from tg.common.delivery.sagemaker.archive.names import PROPERTIES
from tg.common.delivery.sagemaker.executor import JobRequest
from tg_mlflow.testing.executor_contract import ExecutorContract, OpenExecutor, SeparateExecutorContract
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, MemoryOptions, Script


class TestAttachedExecutor(ExecutorContract):
    @pytest.fixture
    def open_executor(self) -> OpenExecutor:
        return AttachedExecutor


class TestMemoryExecutor(SeparateExecutorContract):
    @pytest.fixture
    def open_executor(self) -> OpenExecutor:
        machine = Machine(write_script)
        return lambda: MemoryExecutor(machine, MemoryOptions(stop_grace_seconds=1))


def write_script(request: JobRequest) -> Script:
    """Does in memory what the contract's task does."""
    delivery = request.delivery
    if not isinstance(delivery.packaging.payload["job"], SagemakerJob):
        raise PackagingError("job is a lambda, which cannot be pickled")
    dataset, variables = delivery.options.local_dataset_path, delivery.options.environment
    look = f"colour: {variables.get('COLOUR')}, looks for modules in /more: {variables.get('PYTHONPATH') == '/more'}"
    losses = [format_metric_line("loss", 1 / (step + 1), step) for step in range(3)]
    properties = b'{"module_name": "Contract__0", "tg_import_path": "Contract__0.tg"}'
    files = {PROPERTIES: properties, "runs/0/answer.pkl": pickle.dumps({"answer": 42})}
    scripts = {
        "succeed": Script(write_lines(*losses), 3, files=files),
        "fail": Script(write_lines("the last words"), 1, failure="ValueError: no luck"),
        "talk": Script(write_lines(*(f"line {number} ü" for number in range(100))), 100),
        "look": Script(write_lines(look), 1),
        "read": Script(write_lines(f"data: {dataset.read_text() if dataset else None}"), 1),
        "wait": Script(write_lines("waiting"), math.inf),
        "resist": Script(write_lines("waiting"), math.inf, stop_seconds=math.inf),
    }
    return scripts[delivery.options.hyperparameters["what"]]


def write_lines(*texts: str) -> list[Line]:
    return [Line(number, f"2026-01-01 00:00:00.000000 INFO: {text}") for number, text in enumerate(texts)]
