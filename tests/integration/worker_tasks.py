"""A task whose work is done by other processes, started in every way, by every library that has pools of them.

It travels into containers with this module, which therefore imports nothing that is not there.
"""

import importlib
import importlib.util
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.integration.squares import Squares, square, square_by_name
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

METHODS = ("spawn", "forkserver", "fork")


class Working(AbstractTrainingTask):
    """Says the sum of the squares below 10 once for each way to have it worked out: 285.

    It leaves a file in the current folder, as some libraries do.

    Args:
        methods: How processes are started.
    """

    def __init__(self, methods: Sequence[str] = METHODS) -> None:
        super().__init__()
        self.methods = methods

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        Path("notes.txt").write_text("left here")
        for method in self.methods:
            context = multiprocessing.get_context(method)
            with context.Pool(1) as pool:
                environment.output_metric(f"{method} pool", sum(pool.map(square_by_name, range(10))))
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                environment.output_metric(f"{method} executor", sum(executor.map(square_by_name, range(10))))
            if importlib.util.find_spec("torch"):
                environment.output_metric(f"{method} loader", _load_squares(method))
        if importlib.util.find_spec("joblib"):
            joblib = importlib.import_module("joblib")
            parts = joblib.Parallel(n_jobs=2)(joblib.delayed(square)(number) for number in range(10))
            environment.output_metric("loky", sum(parts))


def _load_squares(method: str) -> int:
    data = importlib.import_module("torch.utils.data")
    return sum(
        int(batch.sum()) for batch in data.DataLoader(Squares(), 5, num_workers=1, multiprocessing_context=method)
    )
