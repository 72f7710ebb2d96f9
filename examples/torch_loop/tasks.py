"""Trains a small network, with a loop written by hand."""

from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

POINTS = 400
TURNS = 0.75


class SpiralTask(AbstractTrainingTask):
    """Tells two spirals apart.

    Args:
        epochs: How often the network sees all points.
        learning_rate: Of the optimizer, Adam.
    """

    def __init__(self, epochs: int, learning_rate: float) -> None:
        super().__init__()
        self.epochs = epochs
        self.learning_rate = learning_rate

    def get_metric_names(self) -> list[str]:
        return ["accuracy", "loss"]

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        torch.manual_seed(0)
        points, labels = make_spirals()
        network = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
        optimizer = torch.optim.Adam(network.parameters(), self.learning_rate)
        measure = nn.CrossEntropyLoss()
        batches = DataLoader(TensorDataset(points, labels), batch_size=50, shuffle=True)
        for epoch in environment.track(range(self.epochs), unit="epoch"):
            total = 0.0
            for batch, expected in batches:
                optimizer.zero_grad()
                loss = measure(network(batch), expected)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            environment.output_metric("loss", total / len(points), step=epoch)
        with torch.no_grad():
            right = network(points).argmax(dim=1) == labels
        environment.output_metric("accuracy", right.float().mean())
        # As arrays, which can be read where there is no PyTorch.
        weights = {name: value.numpy() for name, value in network.state_dict().items()}
        environment.store_artifact([], "weights", weights)


def make_spirals() -> tuple[torch.Tensor, torch.Tensor]:
    """Makes two spirals around each other, as points of shape ``(POINTS, 2)`` and labels of shape ``(POINTS,)``."""
    labels = torch.arange(POINTS) % 2
    radius = torch.linspace(0.1, 1, POINTS)
    angle = 2 * torch.pi * (TURNS * radius + labels / 2)
    points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return points + 0.02 * torch.randn(POINTS, 2), labels


def build_task(epochs: int = 20, learning_rate: float = 0.05) -> SpiralTask:
    return SpiralTask(epochs, learning_rate)
