"""A task as something that can be delivered and run by itself."""

from ...errors import TaskDefinitionError
from ...ml.training_core import AbstractTrainingTask


class SagemakerJob:
    """Wraps a task: the task says how to train, the job where data come from and results go.

    Args:
        task: What is trained.

    Raises:
        TaskDefinitionError: If it is not a task.
    """

    def __init__(self, task: AbstractTrainingTask) -> None:
        if not isinstance(task, AbstractTrainingTask):
            raise TaskDefinitionError(f"{task!r} is a {type(task).__name__}; give an AbstractTrainingTask")
        self.task = task
