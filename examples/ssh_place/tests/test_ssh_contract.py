"""The executor and the place pass the contracts that tg-mlflow has for all of them."""

import pytest
from tg_ssh_place import SshExecutor, SshOptions

from tg_mlflow.testing.executor_contract import OpenExecutor, SeparateExecutorContract


class TestSshExecutor(SeparateExecutorContract):
    @pytest.fixture
    def open_executor(self, options: SshOptions) -> OpenExecutor:
        return lambda: SshExecutor(options)
