"""The task of the contract tests: a hyperparameter selects what it does.

It is trained as a module of a project, since this package is not installed where jobs run.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class ContractTask(AbstractTrainingTask):
    """A task that runs the method ``what``.

    Attributes:
        what: The name of a method.
    """

    def __init__(self) -> None:
        super().__init__()
        self.what = "succeed"

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        getattr(self, self.what)(data, environment)

    def succeed(self, data: Any, environment: TrainingEnvironment) -> None:
        """Reports three metrics and makes one artifact."""
        for step in range(3):
            environment.output_metric("loss", 1 / (step + 1), step)
        environment.store_artifact(["runs", 0], "answer", {"answer": 42})

    def fail(self, data: Any, environment: TrainingEnvironment) -> None:
        """Logs something and fails."""
        environment.log("the last words")
        raise ValueError("no luck")

    def talk(self, data: Any, environment: TrainingEnvironment) -> None:
        """Logs a hundred lines."""
        for number in range(100):
            environment.log(f"line {number} ü")

    def read(self, data: Any, environment: TrainingEnvironment) -> None:
        """Logs the dataset's content."""
        environment.log(f"data: {Path(data).read_text(encoding='utf-8')}")

    def look(self, data: Any, environment: TrainingEnvironment) -> None:
        """Logs a variable, and whether modules are looked for in a folder."""
        environment.log(f"colour: {os.environ['COLOUR']}, looks for modules in /more: {'/more' in sys.path}")

    def wait(self, data: Any, environment: TrainingEnvironment) -> None:
        """Waits to be stopped."""
        environment.log("waiting")
        signal.pause()

    def resist(self, data: Any, environment: TrainingEnvironment) -> None:
        """Ignores SIGTERM."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        environment.log("waiting")
        while True:
            signal.pause()
