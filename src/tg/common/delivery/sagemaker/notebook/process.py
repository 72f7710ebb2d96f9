"""A training in a child process, for notebooks."""

from ..executor.config import SagemakerConfig
from ..machine.process_executor import ProcessExecutor, ProcessOptions
from .configured_executor import ConfiguredExecutor


class SagemakerProcessExecutor(ConfiguredExecutor[ProcessExecutor]):
    """Trains in a child process that sees only the package.

    Args:
        config: What is trained, on which data, in which package.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        super().__init__(config, ProcessExecutor(ProcessOptions(config.options.stop_grace_seconds)))
