"""Builds a project's task, has it trained and records it."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import zip_longest
from typing import TypeAlias

from mlflow import MlflowClient

from tg.common import DeliveryError
from tg.common.delivery.delivery import uninterrupted
from tg.common.delivery.sagemaker import JobStatus, SagemakerConfig, SagemakerExecutor, SagemakerRemoteExecutor
from tg.common.errors import JobUnreachableError
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.capacity import NoCapacityError, describe_machine, list_attempts, noticing_no_capacity
from tg_mlflow.job_notes import note_facts
from tg_mlflow.job_watch import note_not_uploaded, watch_job
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.project import Project
from tg_mlflow.project_delivery import build_delivery
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.remote_place import build_place_tags
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
SECRETS_TAG = "tg.secrets"
_NAME_TAG = "mlflow.runName"

# The first one ends the training, the second one its grace; whoever goes on does not want to wait for anything.
_MOST_INTERRUPTS = 3

ExecutorFactory: TypeAlias = Callable[[SagemakerConfig], SagemakerExecutor]


def train(
    client: MaskingClient,
    run_id: str,
    project: Project,
    command: TrainCommand,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    afterwards: ExitStack,
) -> None:
    """Trains and records into a run that exists; does not end the run.

    The job has ended when this returns or raises, but for a ``JobUnreachableError``. What is kept of it is removed when
    ``afterwards`` is left, unless it is still needed to complete the run: results of a training that has succeeded are
    kept until they are uploaded, also after an interrupt.

    Raises:
        TgError: If the project, its data or its configuration do not fit, or the job did not complete.
        JobUnreachableError: If the job goes on, but cannot be followed any more.
        RecordingError: If the tracking server did not take what the training said.
        Exception: Whatever the project's code raises in this process, unchanged.
    """
    with RunRecorder(client, run_id, mask=client.mask) as recorder:
        attempts = list_attempts(config)
        for attempt, following in zip_longest(attempts, attempts[1:]):
            try:
                discard = _train_once(client, run_id, project, command, attempt, make_executor, recorder, afterwards)
                break
            except NoCapacityError:
                if following is None:
                    raise
                missing, other = describe_machine(attempt), describe_machine(following)
                _logger.warning("AWS has no %s to spare; the training is submitted again on %s", missing, other)
    if discard is not None:
        afterwards.callback(discard)


def _train_once(
    client: MaskingClient,
    run_id: str,
    project: Project,
    command: TrainCommand,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    recorder: RunRecorder,
    afterwards: ExitStack,
) -> Callable[[], None] | None:
    """Submits one job and records it to its end.

    Returns:
        What removes what is kept of the job; ``None`` if that is still needed.
    """
    with ExitStack() as building, ExitStack() as watching:
        building.enter_context(project_modules(project.folder))  # first, as projects take turns in it
        building.enter_context(project_environment(project.folder))
        task = build_task(command)
        delivery = build_delivery(task, project, config)
        executor = make_executor(delivery)
        job_id, start = executor.build_job_id(), recorder.position
        log_params(client, run_id, delivery.options.hyperparameters)
        # Noted before there is a job, so that it can be found whatever happens to this process.
        for name, value in _build_tags(task, delivery, config, executor, job_id).items():
            client.set_tag(run_id, name, value)
        dataset = delivery.options.local_dataset_path
        watching.enter_context(noticing_no_capacity(executor, job_id))
        refusals: list[DeliveryError] = []
        watching.enter_context(_stopping(client, run_id, executor, job_id, recorder, afterwards, start, refusals))
        try:
            executor.submit(job_id, recorder.take)
        except DeliveryError as error:
            refusals.append(error)
            raise
        building.close()
        if isinstance(executor, SagemakerRemoteExecutor):  # its credentials may be there, and are read again
            watching.enter_context(project_environment(project.folder))
        is_recorded = watch_job(client, run_id, executor, job_id, recorder, dataset, config.log, start)
    return partial(executor.discard, job_id) if is_recorded else None


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
    tags.update({SECRETS_TAG: json.dumps(config.secrets)} if config.secrets else {})
    tags.update({DATASET_TAG: str(dataset)} if dataset is not None else {})
    tags.update({DOCKER_HOST_TAG: options.docker_host} if options.docker_host is not None else {})
    tags.update(build_place_tags(executor))
    return tags


@contextmanager
def _stopping(
    client: MlflowClient,
    run_id: str,
    executor: SagemakerExecutor,
    job_id: str,
    recorder: RunRecorder,
    afterwards: ExitStack,
    start: int,
    refusals: Sequence[DeliveryError],
) -> Iterator[None]:
    """Stops the job if anything is raised, and lets it be forgotten, unless an interrupt came after its success.

    A job that cannot be followed any more is not stopped: it goes on, and its run stays as it is. Where AWS has refused
    a job, there is none; it is not asked again, as without credentials the answer would be waited for.
    """
    try:
        yield
    except JobUnreachableError:
        _logger.error("Job %s goes on; to record the rest later, run `tg-mlflow attach %s`", job_id, run_id)
        raise
    except BaseException as error:
        if isinstance(executor, SagemakerRemoteExecutor) and error in refusals:
            raise
        try:
            status = _stop(executor, job_id)
            with uninterrupted():  # what it has said meanwhile
                for event in executor.logs(job_id, recorder.position - start, follow=False):
                    recorder.take(event)
            if status is JobStatus.COMPLETED and isinstance(error, KeyboardInterrupt):
                _keep(client, run_id, executor, job_id)
            else:
                note_facts(client, run_id, executor, job_id)
                afterwards.callback(executor.discard, job_id)
        except JobUnreachableError as problem:
            _logger.warning("Job %s could not be stopped; see for yourself that it ends: %s", job_id, problem)
        except DeliveryError as problem:
            _logger.debug("Job %s is not stopped: %s", job_id, problem)  # mostly, since it was never started
        raise


def _stop(executor: SagemakerExecutor, job_id: str) -> JobStatus:
    """Stops a job, however often that is interrupted: an interrupt takes from it what time it has to stop."""
    end = executor.cancel
    for _ in range(_MOST_INTERRUPTS):
        try:
            if not executor.status(job_id).status.is_final:
                _logger.info("Stopping job %s; another Ctrl-C stops it at once", job_id)
                end(job_id)
            return executor.status(job_id).status
        except KeyboardInterrupt:
            end = executor.kill
    _logger.warning("Job %s may still be stopping; see for yourself that it ends", job_id)
    return JobStatus.RUNNING


def _keep(client: MlflowClient, run_id: str, executor: SagemakerExecutor, job_id: str) -> None:
    """Brings the results here, where this is not cut short too, and says how they get into the run."""
    try:
        executor.collect(job_id)
    except KeyboardInterrupt:
        _logger.warning("The results of job %s stay where it has run", job_id)
    with uninterrupted():
        note_not_uploaded(client, run_id, "it was interrupted")


def _place_of(executor: SagemakerExecutor) -> str:
    """Where it runs jobs, in a word: ``attached``, ``process``, ``local``, ``remote``."""
    return type(executor).__name__.removeprefix("Sagemaker").removesuffix("Executor").lower()
