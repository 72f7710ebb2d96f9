"""Says what a training on SageMaker would send to AWS, and sends nothing."""

import json
from typing import Any

from tg.common.delivery.sagemaker import RemotePlan, SagemakerRemoteExecutor
from tg_mlflow.backend_config import RemoteConfig
from tg_mlflow.project import Project
from tg_mlflow.project_delivery import build_delivery
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.task_factory import build_task
from tg_mlflow.train_command import TrainCommand


def describe_dry_run(project: Project, command: TrainCommand, config: RemoteConfig) -> str:
    """Checks all that a training checks before it starts, and writes as JSON what it would do.

    Raises:
        TgError: If the project, its data or its configuration do not fit.
        Exception: Whatever the project's code raises, unchanged.
    """
    with project_modules(project.folder), project_environment(project.folder):
        plan = SagemakerRemoteExecutor(build_delivery(build_task(command), project, config)).plan()
    return json.dumps(_describe(plan), indent=2, ensure_ascii=False)


def _describe(plan: RemotePlan) -> dict[str, Any]:
    uploads = [{"file": name, "to": place, "bytes": size} for name, place, size in plan.uploads]
    return {
        "request": plan.request,
        "uploads": uploads,
        "push": plan.image_repository,
        "metrics_not_in_console": list(plan.left_out_metrics),
        "notes": list(plan.notes),
    }
