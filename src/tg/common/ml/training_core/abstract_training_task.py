"""A training as an object: what every task can do, wherever it runs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from .hyperparameters import apply_hyperparameters
from .training_environment import InMemoryTrainingEnvironment, TrainingEnvironment


class AbstractTrainingTask(ABC):
    """A training that can be pickled, sent elsewhere and run there.

    A subclass implements the training in :meth:`run_with_environment`. Its output goes through the environment, which
    differs from place to place.

    Attributes:
        info: Free-form facts about the task, such as ``info["name"]``; stored with each result.
    """

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}

    @abstractmethod
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        """Trains on ``data`` and reports to ``environment``.

        Args:
            data: What the task's loader understands: usually the path of a file or folder, ``None`` for a task that
                needs no data.
            environment: Takes log lines, metrics and artifacts.
        """

    def get_metric_names(self) -> list[str]:
        """Returns the names of this task's metrics, the most important first; empty if they are unknown."""
        return []

    def get_parameters(self) -> Mapping[str, str]:
        """Returns the values that this task was made of, by name, which its run has as params; empty if unknown."""
        return {}

    def run(self, data: Any = None) -> dict[str, Any]:
        """Trains in memory.

        Returns:
            What :attr:`InMemoryTrainingEnvironment.result` describes: ``metrics`` and ``runs``.
        """
        environment = InMemoryTrainingEnvironment()
        self.run_with_environment(data, environment)
        return environment.result

    def apply_hyperparams(self, hyperparams: Mapping[str, Any]) -> None:
        """Sets parts of this task; keys are dotted paths such as ``model_provider.constructor.kwargs.C:float``.

        Args:
            hyperparams: See :func:`apply_hyperparameters` for keys and values.

        Raises:
            HyperparameterError: If a path does not exist or a value does not fit; nothing is changed then.
        """
        apply_hyperparameters(self, hyperparams)
