"""An MLflow project: its MLproject, its modules, its variables, and the factory of its task.

It knows nothing of places, runs and packages.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Project": ".project",
    "TrainCommand": ".train_command",
    "build_task": ".task_factory",
    "fetch_project": ".project",
    "project_environment": ".environment",
    "project_modules": ".modules",
    "read_project": ".project",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.project.environment import project_environment as project_environment
    from tg_mlflow.project.modules import project_modules as project_modules
    from tg_mlflow.project.project import Project as Project
    from tg_mlflow.project.project import fetch_project as fetch_project
    from tg_mlflow.project.project import read_project as read_project
    from tg_mlflow.project.task_factory import build_task as build_task
    from tg_mlflow.project.train_command import TrainCommand as TrainCommand
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
