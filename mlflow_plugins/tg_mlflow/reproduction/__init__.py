"""Trains a run again from what it remembers, compares both, and says whether they are the same to the last digit.

It needs neither the project nor its folder: the package, the configuration and the environment are the run's own, and
the dataset is recognized by its digest.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Reproduction": ".reproduction",
    "reproduce": ".reproduction",
    "Verdict": ".verdict",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.reproduction.reproduction import Reproduction as Reproduction
    from tg_mlflow.reproduction.reproduction import reproduce as reproduce
    from tg_mlflow.reproduction.verdict import Verdict as Verdict
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
