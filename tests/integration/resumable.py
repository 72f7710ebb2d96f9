"""A project whose training keeps checkpoints and is killed where it is told, and what its runs record."""

from collections.abc import Iterator
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support import ProjectFolder, all_runs
from tg.common.delivery.delivery import ImageBuildOptions
from tg_mlflow.reproduction.planned_training import WantedTraining
from tg_mlflow.reproduction.resumption import resume
from tg_mlflow.tracking.client import TrackingClient

STEPS = 40
SAVED_EACH = 4
TASKS = f"""
    import os
    import random
    import signal
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class State:
        def __init__(self, weight, dice, dies):
            self.weight, self.dice, self.dies = weight, dice, dies

        def __getstate__(self):
            if self.dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return vars(self)


    class Walk(AbstractTrainingTask):
        # Where it ends: a step, and what it does then.
        end = "none"

        def __init__(self):
            super().__init__()
            self.end = "none"

        def run_with_environment(self, data, environment):
            last, _, how = self.end.partition(":")
            dice, weight, first = random.Random(7), 0.0, 0
            checkpoint = environment.latest_checkpoint()
            if checkpoint is not None:
                first, weight = checkpoint.step, checkpoint.state.weight
                dice.setstate(checkpoint.state.dice)
            for step in range(first, {STEPS}):
                weight += dice.gauss(0, 1)
                environment.output_metric("weight", weight, step)
                if step % 3 == 0:
                    environment.output_metric("square", weight * weight)
                is_last = str(step) == last
                if is_last and how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how == "wait and raise" and step == int(last) + 9:
                    raise ValueError("enough")
                stays = is_last and how in ("wait", "wait and raise") and first < step - 3  # not after a restart
                while stays and not environment.is_stopping:
                    time.sleep(0.01)
                if step % {SAVED_EACH} == {SAVED_EACH - 1} or environment.is_stopping:
                    dies = how == "checkpoint" and step >= int(last)
                    environment.save_checkpoint(State(weight, dice.getstate(), dies), step + 1)
            environment.output_metric("final", weight)


    def build_task(end="none"):
        task = Walk()
        task.end = end
        return task
"""
MLPROJECT = """
    name: walk
    entry_points:
      main:
        parameters: {end: {default: none}}
        command: "tg-mlflow train tasks:build_task end={end}"
"""
CONFIG = {"log": {"system_metrics_seconds": 0, "model": False, "figures": False}}


def write_project(project: ProjectFolder) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")


def describe_build(options: ImageBuildOptions) -> dict[str, Any]:
    """Describes in a configuration how images are built here."""
    return {
        "pip_index_url": options.pip_index_url,
        "pip_extra_index_urls": list(options.pip_extra_index_urls),
        "proxies": dict(options.proxies),
        "ca_bundle": None if options.ca_bundle is None else str(options.ca_bundle),
    }


def go_on(store: MlflowClient, run_id: str, end: str = "none", **wanted: Any) -> Run:
    """Resumes a run, and returns the new one."""
    request = WantedTraining(run_id, hyperparameters={"end": end}, **wanted)
    return store.get_run(resume(TrackingClient(store.tracking_uri), request)[0])


def last_run(store: MlflowClient) -> Run:
    return max(all_runs(store), key=lambda run: int(run.info.start_time))


def read_history(store: MlflowClient, run: Run) -> dict[str, list[tuple[int, float]]]:
    names = ("weight", "square", "final")
    return {
        name: sorted((point.step, point.value) for point in store.get_metric_history(run.info.run_id, name))
        for name in names
    }


def expect_history() -> dict[str, list[tuple[int, float]]]:
    """Works out the history of a training that was never interrupted."""
    points = list(_walk())
    return {
        "weight": points,
        "square": [(number, value * value) for number, (_, value) in enumerate(points[::3])],
        "final": [(0, points[-1][1])],
    }


def _walk() -> Iterator[tuple[int, float]]:
    import random

    dice, weight = random.Random(7), 0.0
    for step in range(STEPS):
        weight += dice.gauss(0, 1)
        yield step, weight
