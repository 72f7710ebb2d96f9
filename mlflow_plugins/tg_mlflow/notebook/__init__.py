"""Trainings that Python code starts: ``run_tasks`` and ``TgObjective``, and what both share."""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "NotebookRun": ".notebook_run",
    "TgObjective": ".tg_objective",
    "plan_tasks": ".task_plan",
    "run_tasks": ".task_runs",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.notebook.notebook_run import NotebookRun as NotebookRun
    from tg_mlflow.notebook.task_plan import plan_tasks as plan_tasks
    from tg_mlflow.notebook.task_runs import run_tasks as run_tasks
    from tg_mlflow.notebook.tg_objective import TgObjective as TgObjective
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
