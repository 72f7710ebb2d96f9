"""Tasks that leave something else than a training on one table does, in a module that imports little."""

from typing import Any

from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import AbstractTrainingTask, Artificier, TrainingEnvironment


class OneSided(Artificier):
    """Reports no row without the class, so that there are no curves."""

    def run_before_storage(self, result: Any) -> None:
        result.result_df["true"] = 1.0


class CountingTask(AbstractTrainingTask):
    def get_metric_names(self) -> list[str]:
        return []

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        environment.store_artifact(["runs", 0], "model", 3)


def measure_nothing(true: object, predicted: object) -> float:
    """A metric without a value."""
    return float("nan")


class Adding:
    """A model of a project's own, which is no estimator of a library."""

    def predict(self, features: Any) -> Any:
        return features["x"].to_numpy() + 1

    def predict_proba(self, features: Any) -> Any:
        return features["x"].clip(0, 1).to_numpy()


class LoggingTask(AbstractTrainingTask):
    """Logs a model under several names, with an example."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        import pandas as pd

        for name in self.names:
            environment.log_model(Adding(), name, example=pd.DataFrame({"x": [0.25, 0.5], "kind": ["a", "b"]}))


class LoggingTableTask(sft.SingleFrameTrainingTask):
    """Logs models besides its own."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        super().run_with_environment(data, environment)
        for name in ("model", "other"):
            environment.log_model(Adding(), name)
