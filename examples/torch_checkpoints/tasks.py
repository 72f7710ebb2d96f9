"""Trains a small network in a loop that can be interrupted at any moment, and goes on from its last checkpoint."""

from typing import Any

import torch
from torch import nn

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

POINTS = 200
BATCH = 20


class WaveTask(AbstractTrainingTask):
    """Learns a sine wave.

    Args:
        epochs: How often the network sees all points.
        fails_after: After so many epochs, the training fails, to be resumed; 0 for never.
    """

    def __init__(self, epochs: int, fails_after: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.fails_after = fails_after

    def get_metric_names(self) -> list[str]:
        return ["loss", "final_loss"]

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        torch.manual_seed(0)
        inputs = torch.linspace(-1, 1, POINTS).unsqueeze(1)
        wave = torch.sin(3 * inputs)
        network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        optimizer = torch.optim.Adam(network.parameters(), 0.02)
        measure = nn.MSELoss()
        first = 0
        checkpoint = environment.latest_checkpoint()
        if checkpoint is not None:
            first = checkpoint.step
            network.load_state_dict(checkpoint.state["network"])
            optimizer.load_state_dict(checkpoint.state["optimizer"])
            torch.set_rng_state(checkpoint.state["dice"])  # the same order of batches as without an interruption
        for epoch in range(first, self.epochs):
            total = 0.0
            for batch in torch.randperm(POINTS).split(BATCH):
                optimizer.zero_grad()
                loss = measure(network(inputs[batch]), wave[batch])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            environment.output_metric("loss", total / POINTS, step=epoch)
            state = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "dice": torch.get_rng_state(),
            }
            environment.save_checkpoint(state, step=epoch + 1)
            environment.log_progress(epoch + 1, self.epochs, "epoch")
            if epoch + 1 == self.fails_after and first == 0:
                raise RuntimeError(f"epoch {epoch} was the last one")
        with torch.no_grad():
            environment.output_metric("final_loss", measure(network(inputs), wave))


def build_task(epochs: int = 20, fails_after: int = 0) -> WaveTask:
    return WaveTask(epochs, fails_after)
