"""Builds a project's task, has it trained and records it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from mlflow import MlflowClient

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerExecutor
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.job_watch import watch_job
from tg_mlflow.project import Project
from tg_mlflow.project_delivery import build_delivery
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.run_lifecycle import log_params
from tg_mlflow.run_recorder import RunRecorder
from tg_mlflow.task_factory import build_task
from tg_mlflow.train_command import TrainCommand

_logger = logging.getLogger("mlflow.tg_mlflow")

EXECUTOR_TAG = "tg.executor"
JOB_ID_TAG = "tg.job_id"
DATASET_TAG = "tg.dataset"
DOCKER_HOST_TAG = "tg.docker_host"
LOG_TAG = "tg.log"
_NAME_TAG = "mlflow.runName"

ExecutorFactory: TypeAlias = Callable[[SagemakerConfig], SagemakerExecutor]


def train(
    client: MlflowClient,
    run_id: str,
    project: Project,
    command: TrainCommand,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    afterwards: ExitStack,
) -> None:
    """Trains and records into a run that exists; does not end the run.

    The job has ended when this returns or raises. What is kept of it is removed when ``afterwards`` is left, unless it
    is still needed to complete the run.

    Raises:
        TgError: If the project, its data or its configuration do not fit, or the job did not complete.
        RecordingError: If the tracking server did not take what the training said.
        Exception: Whatever the project's code raises in this process, unchanged.
    """
    with RunRecorder(client, run_id) as recorder:
        with project_environment(project.folder), project_modules(project.folder):
            task = build_task(command)
            delivery = build_delivery(task, project, config)
            executor = make_executor(delivery)
            job_id = executor.build_job_id()
            log_params(client, run_id, delivery.options.hyperparameters)
            # Noted before there is a job, so that it can be found whatever happens to this process.
            for name, value in _build_tags(task, delivery, config, executor, job_id).items():
                client.set_tag(run_id, name, value)
            with _stopping(executor, job_id, afterwards):
                executor.submit(job_id, recorder.take)
        with _stopping(executor, job_id, afterwards):
            is_recorded = watch_job(
                client, run_id, executor, job_id, recorder, delivery.options.local_dataset_path, config.log
            )
    if is_recorded:
        afterwards.callback(executor.discard, job_id)


def _build_tags(
    task: AbstractTrainingTask,
    delivery: SagemakerConfig,
    config: BackendConfig,
    executor: SagemakerExecutor,
    job_id: str,
) -> dict[str, str]:
    options, name, dataset = delivery.options, task.info.get("name"), delivery.options.local_dataset_path
    tags = {EXECUTOR_TAG: _place_of(executor), JOB_ID_TAG: job_id, LOG_TAG: config.log.model_dump_json(), **config.tags}
    tags.update({_NAME_TAG: str(name)} if name else {})
    tags.update({DATASET_TAG: str(dataset)} if dataset is not None else {})
    tags.update({DOCKER_HOST_TAG: options.docker_host} if options.docker_host is not None else {})
    return tags


@contextmanager
def _stopping(executor: SagemakerExecutor, job_id: str, afterwards: ExitStack) -> Iterator[None]:
    """Stops the job if anything is raised, and lets it be forgotten."""
    try:
        yield
    except BaseException:
        try:
            executor.cancel(job_id)
        except DeliveryError as error:
            _logger.debug("Job %s is not stopped: %s", job_id, error)  # mostly, since it was never started
        else:
            afterwards.callback(executor.discard, job_id)
        raise


def _place_of(executor: SagemakerExecutor) -> str:
    """Where it runs jobs, in a word: ``attached``, ``process``, ``local``."""
    return type(executor).__name__.removeprefix("Sagemaker").removesuffix("Executor").lower()
