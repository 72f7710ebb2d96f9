"""What every training has: a task, an environment, splits, metrics, hyperparameters."""

from .abstract_training_task import AbstractTrainingTask
from .artificiers import Artificier
from .group_splitter import GroupSplitter
from .hyperparameters import apply_hyperparameters
from .metrics import Metric, MetricPool, SklearnMetric
from .splitters import (
    CompositionSplitter,
    FoldSplitter,
    IdentitySplitter,
    PredefinedSplitter,
    Split,
    Splitter,
    UnionSplitter,
)
from .time_splitters import OneTimeSplitter, TimeSplitter
from .training_environment import InMemoryTrainingEnvironment, TrainingEnvironment

__all__ = [
    "AbstractTrainingTask",
    "Artificier",
    "CompositionSplitter",
    "FoldSplitter",
    "GroupSplitter",
    "IdentitySplitter",
    "InMemoryTrainingEnvironment",
    "Metric",
    "MetricPool",
    "OneTimeSplitter",
    "PredefinedSplitter",
    "SklearnMetric",
    "Split",
    "Splitter",
    "TimeSplitter",
    "TrainingEnvironment",
    "UnionSplitter",
    "apply_hyperparameters",
]
