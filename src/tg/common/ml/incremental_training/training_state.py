"""What a training on batches has come to: all that it needs to go on from there."""

from dataclasses import dataclass, field
from typing import Any

from ..single_frame_training import TrainingPipeline
from .early_stopping import EarlyStopping


@dataclass
class TrainingState:
    """Where a training is. With the task and the data, it determines all that follows.

    Attributes:
        model: The pipeline, with what it has learned.
        classes: All labels that there are, for a classification.
        facts: What must be the same where the training goes on, by name.
        epoch: How many passes are done.
        window: How many windows of the current pass are done.
        batch: How many batches of the current window are done.
        batches: How many batches are done in all.
        rows: How many rows have been learned from, each one as often as it was.
        seconds: How long that took.
        losses: What the model's loss was, added up over the rows since the last evaluation, and the number of these.
        history: What was measured, by name, and at which ``step``.
        best: The model at its best, for early stopping.
        best_value: What it was measured at.
        unimproved: How many evaluations there have been since.
        judged_by: The metric and the mode that say which is the best; ``None`` without early stopping.
    """

    model: TrainingPipeline
    classes: Any
    facts: dict[str, Any]
    epoch: int = 0
    window: int = 0
    batch: int = 0
    batches: int = 0
    rows: int = 0
    seconds: float = 0.0
    losses: tuple[float, int] = (0.0, 0)
    history: list[dict[str, float]] = field(default_factory=list)
    best: TrainingPipeline | None = None
    best_value: float | None = None
    unimproved: int = 0
    judged_by: tuple[str, str] | None = None

    def judge_by(self, early_stopping: EarlyStopping | None) -> None:
        """Forgets which model was the best one if that is judged in another way from now on."""
        judged_by = None if early_stopping is None else (early_stopping.metric, early_stopping.mode)
        if judged_by != self.judged_by:
            self.best, self.best_value, self.unimproved, self.judged_by = None, None, 0, judged_by
