"""The result of one run of a single-frame training."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class SingleFrameTrainingResult:
    """Filled as the run goes on; artificiers may change it.

    Attributes:
        model: The fitted pipeline.
        result_df: One row a prediction: ``predicted``, ``true``, ``stage`` and what the evaluation adds, with the
            index of the data. A row of the data stands once for each stage it is in.
        info: Facts about the task and this run.
        train_split: Index labels of the rows learned from.
        test_splits: Index labels of the rows measured on, by stage.
        metrics: Values by name; empty before the metrics are computed.
        artifacts: Further things to store, by name.
    """

    model: Any
    result_df: pd.DataFrame
    info: dict[str, Any]
    train_split: "pd.Index[Any]"
    test_splits: "dict[str, pd.Index[Any]]"
    metrics: dict[str, float] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
