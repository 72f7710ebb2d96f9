"""One training and its run: created, submitted, watched, ended, whatever happens.

Where it runs is an executor's business, what it says and makes the business of ``recording`` and ``results``.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Job": ".job",
    "Training": ".training",
    "TrainingEnd": ".end",
    "TrainingSource": ".source",
    "create_child_run": ".creation",
    "create_run": ".creation",
    "train_recorded": ".training",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.training.creation import create_child_run as create_child_run
    from tg_mlflow.training.creation import create_run as create_run
    from tg_mlflow.training.end import TrainingEnd as TrainingEnd
    from tg_mlflow.training.job import Job as Job
    from tg_mlflow.training.source import TrainingSource as TrainingSource
    from tg_mlflow.training.training import Training as Training
    from tg_mlflow.training.training import train_recorded as train_recorded
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
