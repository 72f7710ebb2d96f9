"""The results of a job: its archive becomes artifacts, tables, figures, a dataset and a model of the run.

Each part that is for people may fail by itself; the run names it.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "log_result": ".artifacts",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.results.artifacts import log_result as log_result
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
