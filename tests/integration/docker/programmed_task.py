"""A task that runs a program of a test; it travels into a container with this module."""

from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask


class ProgrammedTask(AbstractTrainingTask):
    def __init__(self) -> None:
        super().__init__()
        self.program = ""

    def run_with_environment(self, data: Any, environment: Any) -> None:
        exec(self.program, {})
