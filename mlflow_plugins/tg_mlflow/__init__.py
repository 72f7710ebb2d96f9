"""MLflow project backends that deliver training tasks (host side only).

Names are imported on first use, so that looking up a backend does not wait for them.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "TgObjective": "tg_mlflow.notebook.tg_objective",
    "run_tasks": "tg_mlflow.notebook.task_runs",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.notebook.task_runs import run_tasks as run_tasks
    from tg_mlflow.notebook.tg_objective import TgObjective as TgObjective
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
