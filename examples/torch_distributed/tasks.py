"""The training as a task."""

from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class DistributedTask(AbstractTrainingTask):
    """Fits a line on all machines together."""

    def __init__(self, rows: int, epochs: int) -> None:
        super().__init__()
        self.rows = rows
        self.epochs = epochs

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        from training import fit

        model = fit(self.rows, self.epochs, lambda epoch, loss: environment.output_metric("loss", loss, epoch))
        environment.log(f"trained on {environment.host}, one of {len(environment.hosts)}")
        if environment.is_leader:
            environment.store_artifact(["runs", 0], "model", model)


def build_task(rows: int = 4096, epochs: int = 20) -> DistributedTask:
    """Builds the task."""
    return DistributedTask(rows, epochs)
