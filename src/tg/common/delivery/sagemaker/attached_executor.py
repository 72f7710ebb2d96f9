"""Trains in this process, on the thread that asks for it: the place to debug a task."""

from collections.abc import Callable
from typing import Any

from ...ml.training_core import InMemoryTrainingEnvironment
from .config import SagemakerConfig
from .log_event import LogEvent
from .metric_lines import format_metric_line


class SagemakerAttachedExecutor:
    """Runs the task right here: breakpoints, Ctrl-C and tracebacks work as in any Python program.

    Args:
        config: What is trained, and on which data.
        listener: Called on the training's thread with each event as it happens, metrics as metric lines. What it
            raises ends the training.
    """

    def __init__(self, config: SagemakerConfig, listener: Callable[[LogEvent], None] | None = None) -> None:
        self.config = config
        self.listener = listener

    def execute(self) -> dict[str, Any]:
        """Trains.

        Returns:
            The result in memory, as :class:`InMemoryTrainingEnvironment` describes it.

        Raises:
            DatasetError: If the dataset is missing.
            Exception: Whatever the task raises, unchanged.
        """
        environment = _AttachedEnvironment(self.listener)
        self.config.job.task.run_with_environment(self.config.options.local_dataset_path, environment)
        return environment.result


class _AttachedEnvironment(InMemoryTrainingEnvironment):
    def __init__(self, listener: Callable[[LogEvent], None] | None) -> None:
        super().__init__()
        self._listener = listener

    def log(self, message: object) -> None:
        super().log(message)
        self._tell(str(message))

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        super()._write_metric(name, value, step)
        self._tell(format_metric_line(name, value, step))

    def _tell(self, line: str) -> None:
        if self._listener is not None:
            self._listener(LogEvent.of_line(line))
