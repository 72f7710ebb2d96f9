"""Fits a line with DistributedDataParallel: each process has a part of the rows, and all have the same model."""

import os
from collections.abc import Callable

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel


def fit(rows: int, epochs: int, report: Callable[[int, float], None]) -> torch.nn.Module:
    """Trains in all processes that torchrun has started.

    Args:
        rows: How many rows all processes have together.
        epochs: How many steps to take, each on all rows.
        report: Gets the epoch and the loss on all rows.
    """
    distributed.init_process_group("gloo")
    rank, world_size = distributed.get_rank(), distributed.get_world_size()
    assert rank == int(os.environ["RANK"])
    torch.manual_seed(0)
    features = torch.randn(rows, 8, dtype=torch.float64)
    target = features @ torch.arange(1.0, 9.0, dtype=torch.float64) + 3.0
    mine, wanted = features[rank::world_size], target[rank::world_size]
    model = DistributedDataParallel(torch.nn.Linear(8, 1, dtype=torch.float64))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = torch.mean((model(mine).squeeze(1) - wanted) ** 2)
        loss.backward()  # which makes the gradients the mean of all processes'
        optimizer.step()
        total = loss.detach().clone()
        distributed.all_reduce(total)
        report(epoch, total.item() / world_size)
    distributed.destroy_process_group()
    return model.module
