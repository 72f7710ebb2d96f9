"""Trainings on several hosts, small enough for a test."""

import os
import signal
from typing import Any

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


def square(number: int) -> int:
    return number * number


class DaskSquares(AbstractTrainingTask):
    """Adds squares on the workers of Dask; says who they are."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        from distributed import Client

        with Client() as client:
            client.wait_for_workers(max(1, len(environment.hosts) - 1))
            environment.output_metric("sum", sum(client.gather(client.map(square, range(100)))))
            environment.log(f"workers {sorted(client.run(os.getpid).values())}")
            environment.log(f"hosts {list(environment.hosts)} {environment.host} {environment.is_leader}")
        environment.store_artifact(["runs", 0], "host", environment.host)


class DaskWaiting(AbstractTrainingTask):
    """Waits for ever, once all workers are there."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        from distributed import Client

        with Client() as client:
            client.wait_for_workers(len(environment.hosts) - 1)
            environment.log(f"workers {sorted(client.run(os.getpid).values())}")
            signal.pause()


class TorchMean(AbstractTrainingTask):
    """Adds numbers of all processes; each keeps its own."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        import torch
        from torch import distributed

        distributed.init_process_group("gloo")
        rank, size = distributed.get_rank(), distributed.get_world_size()
        mine = torch.arange(8.0, dtype=torch.float64)[rank::size].sum()
        distributed.all_reduce(mine)
        environment.output_metric("sum", mine.item())
        environment.store_artifact(["runs", 0], "rank", rank)
        (environment.output_folder / "rank.txt").write_text(str(rank))
        distributed.destroy_process_group()
