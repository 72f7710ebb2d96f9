"""MLflow's project backends: they translate what MLflow asks for into a training or a sweep at a place.

Planning, trainings and places have rooms of their own; this one only connects them.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "AttachedBackend": ".project_backend",
    "EndedRun": ".submitted_run",
    "LocalBackend": ".project_backend",
    "ProcessBackend": ".project_backend",
    "ProjectBackend": ".project_backend",
    "RunRequest": ".run_request",
    "SagemakerBackend": ".project_backend",
    "run_project": ".project_backend",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.backend.project_backend import AttachedBackend as AttachedBackend
    from tg_mlflow.backend.project_backend import LocalBackend as LocalBackend
    from tg_mlflow.backend.project_backend import ProcessBackend as ProcessBackend
    from tg_mlflow.backend.project_backend import ProjectBackend as ProjectBackend
    from tg_mlflow.backend.project_backend import SagemakerBackend as SagemakerBackend
    from tg_mlflow.backend.project_backend import run_project as run_project
    from tg_mlflow.backend.run_request import RunRequest as RunRequest
    from tg_mlflow.backend.submitted_run import EndedRun as EndedRun
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
