"""What every training has: a task, an environment, splits, metrics, hyperparameters.

Names are imported when they are first used: a task that splits no table needs no pandas, whose import takes as long as
all else at the start of a job.
"""

from typing import TYPE_CHECKING

from ...lazy_names import lazy_names

# The module of each public name.
_HOMES = {
    "AbstractTrainingTask": ".abstract_training_task",
    "Artificier": ".artificiers",
    "Checkpoint": ".checkpoint",
    "CompositionSplitter": ".splitters",
    "FoldSplitter": ".splitters",
    "GroupSplitter": ".group_splitter",
    "IdentitySplitter": ".splitters",
    "InMemoryTrainingEnvironment": ".training_environment",
    "Metric": ".metrics",
    "MetricPool": ".metrics",
    "OneTimeSplitter": ".time_splitters",
    "PredefinedSplitter": ".splitters",
    "SklearnMetric": ".metrics",
    "Split": ".splitters",
    "Splitter": ".splitters",
    "TimeSplitter": ".time_splitters",
    "TrainingEnvironment": ".training_environment",
    "UnionSplitter": ".splitters",
    "apply_hyperparameters": ".hyperparameters",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .abstract_training_task import AbstractTrainingTask as AbstractTrainingTask
    from .artificiers import Artificier as Artificier
    from .checkpoint import Checkpoint as Checkpoint
    from .group_splitter import GroupSplitter as GroupSplitter
    from .hyperparameters import apply_hyperparameters as apply_hyperparameters
    from .metrics import Metric as Metric
    from .metrics import MetricPool as MetricPool
    from .metrics import SklearnMetric as SklearnMetric
    from .splitters import CompositionSplitter as CompositionSplitter
    from .splitters import FoldSplitter as FoldSplitter
    from .splitters import IdentitySplitter as IdentitySplitter
    from .splitters import PredefinedSplitter as PredefinedSplitter
    from .splitters import Split as Split
    from .splitters import Splitter as Splitter
    from .splitters import UnionSplitter as UnionSplitter
    from .time_splitters import OneTimeSplitter as OneTimeSplitter
    from .time_splitters import TimeSplitter as TimeSplitter
    from .training_environment import InMemoryTrainingEnvironment as InMemoryTrainingEnvironment
    from .training_environment import TrainingEnvironment as TrainingEnvironment
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
