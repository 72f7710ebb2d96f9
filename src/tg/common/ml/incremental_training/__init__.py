"""Trainings on tables that are larger than memory: batch by batch, from parquet files, by models with ``partial_fit``.

What a batch goes through is the room of trainings on one table: its loader, pipeline and evaluators. Only this room
knows in which order rows come, and how a training goes on from there.
"""

from typing import TYPE_CHECKING

from ...lazy_names import lazy_names

# The module of each public name.
_HOMES = {
    "EarlyStopping": ".early_stopping",
    "HashSplit": ".hash_split",
    "IncrementalTrainingTask": ".training_task",
    "PartialEstimator": ".partial_estimator",
    "RowGroup": ".row_groups",
    "list_row_groups": ".row_groups",
    "shard_row_groups": ".row_groups",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .early_stopping import EarlyStopping as EarlyStopping
    from .hash_split import HashSplit as HashSplit
    from .partial_estimator import PartialEstimator as PartialEstimator
    from .row_groups import RowGroup as RowGroup
    from .row_groups import list_row_groups as list_row_groups
    from .row_groups import shard_row_groups as shard_row_groups
    from .training_task import IncrementalTrainingTask as IncrementalTrainingTask
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
