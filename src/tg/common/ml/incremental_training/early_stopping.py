"""Ends a training whose metric does not improve any more."""

import math
from dataclasses import dataclass
from typing import Any

from ...errors import TaskDefinitionError

MODES = ("max", "min")


@dataclass
class EarlyStopping:
    """When to end a training before its last epoch. The model is then the one of the best evaluation.

    Args:
        metric: The name of a metric with its stage, such as ``roc_auc_score_test``, or ``loss`` for a model that has
            ``loss_``.
        mode: ``"max"`` if more of it is better, else ``"min"``.
        patience: The training ends after so many evaluations in a row that were no better.
        min_delta: How much better one must be.
    """

    metric: str
    mode: str
    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Checks the options; called again before they are used, as hyperparameters may have changed them.

        Raises:
            TaskDefinitionError: If one is invalid.
        """
        if self.mode not in MODES:
            raise TaskDefinitionError(f"early stopping has the mode {self.mode!r}; choose from {', '.join(MODES)}")
        if isinstance(self.patience, bool) or not isinstance(self.patience, int) or self.patience < 1:
            raise TaskDefinitionError(
                f"early stopping has a patience of {self.patience!r}; give a whole number of evaluations, from 1"
            )
        delta: Any = self.min_delta
        if isinstance(delta, bool) or not isinstance(delta, (int, float)) or not 0 <= delta < math.inf:
            raise TaskDefinitionError(f"early stopping has a min_delta of {delta!r}; give a number from 0")

    def is_better(self, value: float, best: float | None) -> bool:
        """Returns whether a value is better than the best one so far; NaN never is."""
        if best is None:
            return value == value
        return value > best + self.min_delta if self.mode == "max" else value < best - self.min_delta
