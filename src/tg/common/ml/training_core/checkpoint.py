"""A training's state at a step, from which it can go on."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Checkpoint:
    """What a training has kept of itself.

    Attributes:
        step: How many steps the training had done, such as batches or epochs.
        state: What it needs to go on, as given to :meth:`TrainingEnvironment.save_checkpoint`.
    """

    step: int
    state: Any
