"""The executor passes the contract of all executors."""

import pytest

from tg_mlflow.testing.executor_contract import OpenExecutor, SeparateExecutorContract
from tg_ssh_place import SshExecutor, SshOptions

pytestmark = pytest.mark.starts_process


class TestSshExecutor(SeparateExecutorContract):
    @pytest.fixture
    def open_executor(self, options: SshOptions) -> OpenExecutor:
        return lambda: SshExecutor(options)
