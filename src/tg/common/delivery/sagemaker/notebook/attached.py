"""A training in this process, for notebooks."""

from typing import Any

from ..executor.config import SagemakerConfig
from ..machine.attached_executor import AttachedExecutor
from .configured_executor import ConfiguredExecutor


class SagemakerAttachedExecutor(ConfiguredExecutor[AttachedExecutor]):
    """Trains in this process: breakpoints, Ctrl-C and tracebacks work as in any Python program.

    :meth:`execute` trains in memory. :meth:`submit` trains as the other executors do, with a package, a log and an
    archive, and returns when the training has ended.

    Args:
        config: What is trained, on which data, in which package.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        super().__init__(config, AttachedExecutor())

    def execute(self) -> dict[str, Any]:
        """Trains in memory.

        Returns:
            The result, as :class:`InMemoryTrainingEnvironment` describes it.

        Raises:
            DatasetError: If the dataset is missing.
            TgError: In a worker process that imports the program that calls this.
            Exception: Whatever the task raises, unchanged.
        """
        return self.executor.train_in_memory(self.config)
