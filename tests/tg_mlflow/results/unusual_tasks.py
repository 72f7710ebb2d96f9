"""Tasks that leave something else than a training on one table does, in a module that imports little."""

from typing import Any

from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class OneSidedTask(sft.SingleFrameTrainingTask):
    """Reports no row without the class, so that there are no curves."""

    def _store(self, result: Any, number: int, environment: TrainingEnvironment) -> None:
        result.result_df["true"] = 1.0
        super()._store(result, number, environment)


class CountingTask(AbstractTrainingTask):
    def get_metric_names(self) -> list[str]:
        return []

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.store_artifact(["runs", 0], "model", 3)


def measure_nothing(true: object, predicted: object) -> float:
    """A metric without a value."""
    return float("nan")
