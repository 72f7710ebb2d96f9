"""What runs in child processes passes the contract of executors."""

import pytest

from tg.common.delivery.sagemaker import ProcessExecutor, ProcessOptions
from tg_mlflow.testing.executor_contract import OpenExecutor, SeparateExecutorContract


class TestProcessExecutor(SeparateExecutorContract):
    @pytest.fixture
    def open_executor(self) -> OpenExecutor:
        return lambda: ProcessExecutor(ProcessOptions(stop_grace_seconds=0.2))
