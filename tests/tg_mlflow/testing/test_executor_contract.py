"""What runs in this process passes the contract of executors."""

import pytest

from tg.common.delivery.sagemaker import AttachedExecutor
from tg_mlflow.testing.executor_contract import ExecutorContract, OpenExecutor


class TestAttachedExecutor(ExecutorContract):
    @pytest.fixture
    def open_executor(self) -> OpenExecutor:
        return AttachedExecutor
