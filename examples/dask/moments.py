"""Sums over parts of a table that no machine has as a whole."""

import numpy as np
from distributed import Client


def sum_part(part: int) -> np.ndarray:
    """Makes one part of the rows, and returns what a linear regression needs of it."""
    generator = np.random.default_rng(part)
    features = np.column_stack([generator.normal(size=(1000, 3)), np.ones(1000)])
    target = features @ [1.0, 2.0, 3.0, 4.0] + generator.normal(scale=0.1, size=1000)
    table = np.column_stack([features, target])
    return table.T @ table


def fit(client: Client, parts: int) -> np.ndarray:
    """Fits a linear regression to all parts, whichever machines have them."""
    sums = sum(client.gather(client.map(sum_part, range(parts), pure=False)))
    return np.linalg.solve(sums[:-1, :-1], sums[:-1, -1])
