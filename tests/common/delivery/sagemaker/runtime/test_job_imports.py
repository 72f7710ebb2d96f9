"""What a job imports of our own code: what it needs, and no more."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.delivery.sagemaker.machine.job_layout import unpack_package

TASK = """
from tg.common.ml.training_core import AbstractTrainingTask

class Task(AbstractTrainingTask):
    def run_with_environment(self, data, environment):
        environment.log("trained")
"""

START = {
    "common",
    "common.delivery",
    "common.delivery.delivery",
    "common.delivery.delivery.package",
    "common.delivery.delivery.package.entry_point",
    "common.delivery.delivery.package.import_failures",
    "common.delivery.delivery.package.package_check",
    "common.delivery.delivery.package.package_file",
    "common.delivery.delivery.package.pickling",
    "common.delivery.delivery.package.system_libraries",
    "common.delivery.delivery.package.version_differences",
    "common.delivery.sagemaker",
    "common.delivery.sagemaker.contract",
    "common.delivery.sagemaker.contract.job_lines",
    "common.delivery.sagemaker.contract.log_event",
    "common.delivery.sagemaker.contract.metric_lines",
    "common.delivery.sagemaker.contract.ml_folder",
    "common.delivery.sagemaker.contract.own_lines",
    "common.delivery.sagemaker.contract.record_lines",
    "common.delivery.sagemaker.contract.variables",
    "common.delivery.sagemaker.runtime.job_environment",
    "common.delivery.sagemaker.runtime.start_line",
    "common.delivery.sagemaker.runtime",
    "common.delivery.sagemaker.runtime.c_output",
    "common.delivery.sagemaker.runtime.entry_point",
    "common.delivery.sagemaker.runtime.module_aliases",
    "common.delivery.sagemaker.runtime.notebook_functions",
    "common.delivery.sagemaker.runtime.pool_start",
    "common.delivery.sagemaker.runtime.starting_workers",
    "common.delivery.sagemaker.runtime.stop_request",
    "common.errors",
    "common.exception_text",
    "common.lazy_names",
    "common.loc",
    "common.logger",
    "common.module_specs",
    "common.own_root",
    "common.secrets",
    "common.secrets.forms",
    "common.secrets.hiding_types",
    "common.secrets.mask",
    "common.secrets.names",
    "common.secrets.positions",
    "common.system",
    "common.system.disk_errors",
    "common.system.fork_signals",
    "common.system.interrupts",
    "common.system.replaced_file",
    "common.system.tar_extraction",
    "common.system.temporary_folder",
}
JOB = START | {
    "common.delivery.sagemaker.runtime.earlier_start",
    "common.delivery.sagemaker.runtime.job_checkpoints",
    "common.delivery.sagemaker.mlflow_store",
    "common.delivery.sagemaker.mlflow_store.recording",
    "common.delivery.sagemaker.archive",
    "common.delivery.sagemaker.archive.completion",
    "common.delivery.sagemaker.archive.entries",
    "common.delivery.sagemaker.archive.names",
    "common.delivery.sagemaker.archive.unkept",
    "common.delivery.sagemaker.runtime.environment",
    "common.delivery.sagemaker.contract.cluster",
    "common.delivery.sagemaker.contract.killed",
    "common.delivery.sagemaker.contract.log_size",
    "common.delivery.sagemaker.runtime.job",
    "common.delivery.sagemaker.runtime.relay",
    "common.delivery.sagemaker.runtime.task_description",
}

# What takes longer to import than all else together; only a task that needs it waits for it.
HEAVY = {"numpy", "pandas", "pyarrow", "scipy", "sklearn"}


@pytest.fixture
def list_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], set[str]]:
    """Runs steps with a new package; lists what is imported then of its modules, without trainings', and of HEAVY."""
    (tmp_path / "counted_task.py").write_text(TASK)
    monkeypatch.syspath_prepend(tmp_path)
    packaging = Packaging("Task", "0", {"job": SagemakerJob(importlib.import_module("counted_task").Task())})
    packaging.silent = True
    package = packaging.make_package(tmp_path)
    monkeypatch.delitem(sys.modules, "counted_task")
    own = f"{package.module_name}.tg."
    environment = {"PYTHONPATH": str(unpack_package(package, tmp_path / "package"))}

    def run(steps: str) -> set[str]:
        script = (
            f"from {own}common.delivery.sagemaker.runtime.entry_point import main, prepare_process\n{steps}\n"
            f"import sys; print(*(name for name in sys.modules if name.startswith({own!r})))\n"
            f"print(*{HEAVY} & set(sys.modules))"
        )
        command = [sys.executable, "-c", script]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        names = {name.removeprefix(own) for name in result.stdout.split()}
        return {name for name in names if not name.startswith("common.ml")}

    return run


@pytest.mark.starts_process
def test_the_start_of_a_job_or_of_its_worker_imports_only_what_it_needs(
    list_imports: Callable[[str], set[str]],
) -> None:
    assert list_imports("prepare_process()") == START


@pytest.mark.starts_process
def test_a_job_imports_neither_executors_nor_what_they_know_of_docker_and_aws(
    list_imports: Callable[[str], set[str]],
) -> None:
    assert list_imports("prepare_process().load_resource('job')") == JOB
