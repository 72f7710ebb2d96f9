"""The result of one run of a training on a table."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..training_core import AbstractTrainingTask, TrainingEnvironment


@dataclass
class SingleFrameTrainingResult:
    """Filled as the run goes on; artificiers may change it.

    Attributes:
        model: The fitted pipeline.
        result_df: One row a prediction: ``predicted``, ``true``, ``stage`` and what the evaluation adds, with the
            index of the data. A row of the data stands once for each stage it is in.
        info: Facts about the task and this run.
        train_split: Index labels of the rows learned from; ``None`` if they are not in memory.
        test_splits: Index labels of the rows measured on, by stage; ``None`` likewise.
        metrics: Values by name; empty before the metrics are computed.
        artifacts: Further things to store, by name.
    """

    model: Any
    result_df: pd.DataFrame
    info: dict[str, Any]
    train_split: "pd.Index[Any] | None" = None
    test_splits: "dict[str, pd.Index[Any]] | None" = None
    metrics: dict[str, float] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)

    def store(self, task: AbstractTrainingTask, number: int, environment: TrainingEnvironment) -> None:
        """Stores each part as an artifact of the run of this number, and the task with them."""
        splits = {"train_split": self.train_split, "test_splits": self.test_splits}
        artifacts = {
            "result_df": self.result_df,
            "metrics": self.metrics,
            "info": self.info,
            "model": self.model,
            "training_task": task,
            **{name: split for name, split in splits.items() if split is not None},
            **self.artifacts,
        }
        for name, artifact in artifacts.items():
            environment.store_artifact(["runs", number], name, artifact)
