"""A task that says one number after the other until it is told to end."""

import os
import time
from pathlib import Path
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class CountingTask(AbstractTrainingTask):
    """Counts until the file is there that the variable ``MAY_END`` names, and says then what its dataset holds."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        number = 0
        while not Path(os.environ["MAY_END"]).exists():
            environment.log(f"number {number}")
            number += 1
            time.sleep(0.01)
        if data is not None:
            files = sorted(path for path in Path(data).rglob("*") if path.is_file())
            environment.log(f"data: {[(path.relative_to(data).as_posix(), path.read_text()) for path in files]}")
