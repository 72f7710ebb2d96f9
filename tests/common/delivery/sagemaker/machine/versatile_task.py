"""A task for jobs that are started, in a module that imports little: a package has all that it imports."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class Task(AbstractTrainingTask):
    """Does what its name says."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.size = 1.5

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        getattr(self, self.what)(data, environment)

    def train(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.output_metric("loss", self.size)
        environment.store_artifact(["runs", 0], "model", self)

    def look_around(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"cwd={os.getcwd()}")
        environment.log(f"data={Path(data).read_text()}")
        environment.log(
            f"variables={sorted(name for name in os.environ if name.startswith(('AWS', 'MLFLOW', 'SEEN')))}"
        )
        environment.log(f"modules={'tests' in sys.modules or 'tests.support' in sys.modules}")

    def print_much(self, data: Any, environment: TrainingEnvironment) -> None:
        for number in range(100_000):
            sys.stdout.write(f"line {number}\n")

    def say_how_nice_it_is(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"niceness={os.nice(0)}")

    def wait(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log("waiting")
        signal.pause()

    def refuse_to_stop(self, data: Any, environment: TrainingEnvironment) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        environment.log(f"child {child.pid}")
        signal.pause()

    def die(self, data: Any, environment: TrainingEnvironment) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(self, data: Any, environment: TrainingEnvironment) -> None:
        sys.stdout.write("the last words\n")
        raise ValueError("no luck")

    def leave_a_child(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.log(f"child {subprocess.Popen(['sleep', '600']).pid}")
