"""Trains a run again from what it remembers, compares both, and says whether they are the same to the last digit; or
goes on with one that has ended early.

It needs neither the project nor its folder: the package, the configuration and the environment are the run's own, and
the dataset is recognized by its digest.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Verdict": ".verdict",
    "WantedTraining": ".planned_training",
    "reproduce": ".reproduction",
    "resume": ".resumption",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.reproduction.planned_training import WantedTraining as WantedTraining
    from tg_mlflow.reproduction.reproduction import reproduce as reproduce
    from tg_mlflow.reproduction.resumption import resume as resume
    from tg_mlflow.reproduction.verdict import Verdict as Verdict
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
