"""Builds a project's task and trains it in this process."""

import os
from pathlib import Path

from mlflow import MlflowClient

from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerOptions,
)
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.project import Project
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.run_lifecycle import DATASET_TAG, EXECUTOR_TAG, log_params
from tg_mlflow.run_recorder import RunRecorder
from tg_mlflow.task_factory import build_task
from tg_mlflow.train_command import TrainCommand

_NAME_TAG = "mlflow.runName"


def train_attached(
    client: MlflowClient, run_id: str, project: Project, command: TrainCommand, config: BackendConfig
) -> dict[str, float]:
    """Trains and records into a run that exists; ends it not.

    Returns:
        The last value of each metric.

    Raises:
        TgError: If the project, its data or its configuration do not fit.
        Exception: Whatever the project's code raises, unchanged.
    """
    client.set_tag(run_id, EXECUTOR_TAG, "attached")
    for name, value in config.tags.items():
        client.set_tag(run_id, name, value)
    with project_environment(project.folder), project_modules(project.folder):
        task = build_task(command)
        task.apply_hyperparams(config.hyperparameters)
        log_params(client, run_id, {name: str(value) for name, value in config.hyperparameters.items()})
        if task.info.get("name"):
            client.set_tag(run_id, _NAME_TAG, str(task.info["name"]))
        delivery = build_delivery(task, project, config)
        dataset_path = delivery.options.local_dataset_path
        if dataset_path is not None:
            client.set_tag(run_id, DATASET_TAG, str(dataset_path))
        with RunRecorder(client, run_id) as recorder:
            SagemakerAttachedExecutor(delivery, listener=recorder).execute()
    return recorder.latest


def build_delivery(task: AbstractTrainingTask, project: Project, config: BackendConfig) -> SagemakerConfig:
    """Says how ``task`` is delivered, from what the project and its user say.

    Raises:
        DeliveryError: If a name of the configuration cannot be part of a path.
    """
    job = SagemakerJob(task)
    packaging = Packaging(type(task).__name__, "0", {"job": job})
    options = SagemakerOptions(
        role=os.environ.get("AWS_ROLE"),
        bucket=None,
        project_name=config.project_name or project.name,
        datasets_folder=Path(project.folder, Path(config.datasets_folder).expanduser()),
        dataset=config.dataset,
    )
    return SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)
