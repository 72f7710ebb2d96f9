"""Builds a project's task, has it trained and records it."""

from collections.abc import Callable
from typing import TypeAlias

from mlflow import MlflowClient

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerExecutor, check_completed, write_to_stdout
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.project import Project
from tg_mlflow.project_delivery import build_delivery
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.result_artifacts import log_result
from tg_mlflow.run_lifecycle import log_params
from tg_mlflow.run_recorder import RunRecorder
from tg_mlflow.task_factory import build_task
from tg_mlflow.train_command import TrainCommand

EXECUTOR_TAG = "tg.executor"
JOB_ID_TAG = "tg.job_id"
DATASET_TAG = "tg.dataset"
_NAME_TAG = "mlflow.runName"

ExecutorFactory: TypeAlias = Callable[[SagemakerConfig], SagemakerExecutor]


def train(
    client: MlflowClient,
    run_id: str,
    project: Project,
    command: TrainCommand,
    config: BackendConfig,
    make_executor: ExecutorFactory,
) -> None:
    """Trains and records into a run that exists; does not end the run.

    The job has ended when this returns or raises, and nothing of it is left on this machine.

    Raises:
        TgError: If the project, its data or its configuration do not fit, or the job did not complete.
        Exception: Whatever the project's code raises in this process, unchanged.
    """
    with RunRecorder(client, run_id) as recorder:
        with project_environment(project.folder), project_modules(project.folder):
            task = build_task(command)
            delivery = build_delivery(task, project, config)
            executor = make_executor(delivery)
            job_id = executor.build_job_id()
            log_params(client, run_id, delivery.options.hyperparameters)
            dataset = delivery.options.local_dataset_path
            # Noted before there is a job, so that it can be found whatever happens to this process.
            tags = {EXECUTOR_TAG: _place_of(executor), JOB_ID_TAG: job_id, **config.tags}
            tags.update({_NAME_TAG: str(task.info["name"])} if task.info.get("name") else {})
            tags.update({DATASET_TAG: str(dataset)} if dataset is not None else {})
            for name, value in tags.items():
                client.set_tag(run_id, name, value)
            try:
                executor.submit(job_id, recorder.take)
            except BaseException:
                _abandon(executor, job_id)
                raise
        try:
            for event in executor.logs(job_id, recorder.position):
                write_to_stdout(event)
                recorder.take(event)
            check_completed(job_id, executor.status(job_id), recorder.tail)
            log_result(client, run_id, executor, job_id)
        finally:
            _abandon(executor, job_id)


def _place_of(executor: SagemakerExecutor) -> str:
    """Where it runs jobs, in a word: ``attached``, ``process``, ``local``."""
    return type(executor).__name__.removeprefix("Sagemaker").removesuffix("Executor").lower()


def _abandon(executor: SagemakerExecutor, job_id: str) -> None:
    """Stops a job, if it has not ended, and removes what is kept of it."""
    try:
        executor.cancel(job_id)
    except DeliveryError:
        return  # it was never started
    executor.discard(job_id)
