"""The training as a task."""

from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class DaskTask(AbstractTrainingTask):
    """Fits a linear regression on the workers of Dask."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        from distributed import Client
        from moments import fit

        with Client() as client:  # finds the scheduler by itself
            client.wait_for_workers(max(1, len(environment.hosts) - 1))
            weights = fit(client, self.parts)
            environment.output_metric("workers", len(client.scheduler_info()["workers"]))
        for name, weight in zip(("a", "b", "c", "intercept"), weights, strict=True):
            environment.output_metric(f"weight_{name}", weight)
        environment.store_artifact(["runs", 0], "weights", weights)


def build_task(parts: int = 8) -> DaskTask:
    """Builds the task."""
    return DaskTask(parts)
