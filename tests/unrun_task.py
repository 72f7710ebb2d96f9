"""A task for tests in which no training runs, in a module that imports little: a package has all that it imports."""

from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Task(AbstractTrainingTask):
    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        raise AssertionError("no task runs in these tests")

    def get_metric_names(self) -> list[str]:
        return ["loss"]
