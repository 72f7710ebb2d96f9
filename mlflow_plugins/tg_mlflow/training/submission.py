"""Has a task trained and records it."""

import json
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from tg.common import TgError
from tg.common.delivery.delivery import temporary_folder
from tg.common.delivery.sagemaker import Listener, LogEvent, SagemakerConfig, SagemakerExecutor
from tg.common.errors import DatasetError
from tg_mlflow.delivery.training_source import TrainingSource
from tg_mlflow.places.capacity import NoCapacityError, describe_machine, list_attempts, noticing_no_capacity
from tg_mlflow.places.config import BackendConfig
from tg_mlflow.places.remote_place import build_place_tags
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.tracking.masking_client import MaskingClient
from tg_mlflow.tracking.patience import patiently
from tg_mlflow.tracking.tags import (
    DATASET_TAG,
    DOCKER_HOST_TAG,
    EARLIER_JOBS_TAG,
    EXECUTOR_TAG,
    JOB_ID_TAG,
    LOG_TAG,
    NAME_TAG,
    SECRETS_TAG,
)
from tg_mlflow.training.creation import log_params
from tg_mlflow.training.failed_training import explaining_failure
from tg_mlflow.training.job_guard import JobGuard
from tg_mlflow.training.job_watch import watch_job

_logger = logging.getLogger("mlflow.tg_mlflow")

ExecutorFactory: TypeAlias = Callable[[SagemakerConfig], SagemakerExecutor]


def train(
    client: MaskingClient,
    run_id: str,
    source: TrainingSource,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    afterwards: ExitStack,
    show: Listener,
) -> bool:
    """Trains and records into a run that exists; does not end the run.

    The job has ended when this returns or raises, but for a ``JobUnreachableError`` and a job that is to go on by
    itself. What is kept of it is removed when ``afterwards`` is left, unless it is still needed to complete the run:
    results of a training that has succeeded are kept until they are uploaded, also after an interrupt.

    Returns:
        Whether the job has ended; otherwise it goes on by itself, as the configuration wants it.

    Raises:
        TgError: If the project, its data or its configuration do not fit, or the job did not complete.
        JobUnreachableError: If the job goes on, but cannot be followed any more.
        RecordingError: If the tracking server did not take what the training said.
        Exception: Whatever the project's code raises in this process, unchanged.
    """
    jobs: list[str] = []
    with RunRecorder(client, run_id, mask=client.mask) as recorder:
        attempts = list_attempts(config)
        for attempt, following in zip_longest(attempts, attempts[1:]):
            try:
                discard = _train_once(client, run_id, source, attempt, make_executor, recorder, afterwards, jobs, show)
                break
            except NoCapacityError:
                if following is None:
                    raise
                missing, other = describe_machine(attempt), describe_machine(following)
                _logger.warning("AWS has no %s to spare; the training is submitted again on %s", missing, other)
            except Exception as error:
                if not isinstance(error, TgError):  # of the project's code here, which nothing else would keep
                    recorder.take(_describe_trace(error))
                raise
    if discard is not None:
        afterwards.callback(discard)
    return not getattr(config, "detach", False)


def _describe_trace(error: Exception) -> LogEvent:
    text = "".join(traceback.format_exception(error))
    return LogEvent(text.encode("utf-8", "backslashreplace"), time.time_ns() // 1_000_000, has_metrics=False)


def _train_once(
    client: MaskingClient,
    run_id: str,
    source: TrainingSource,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    recorder: RunRecorder,
    afterwards: ExitStack,
    jobs: list[str],
    show: Listener,
) -> Callable[[], None] | None:
    """Submits one job and records it to its end, unless it is to go on by itself.

    Returns:
        What removes what is kept of the job; ``None`` if that is still needed.
    """
    with ExitStack() as building, ExitStack() as watching:
        delivery = building.enter_context(source.delivering(config))
        executor = make_executor(delivery)
        job_id, start = executor.build_job_id(), recorder.position
        patience, hyperparameters = recorder.patience_seconds, delivery.options.hyperparameters
        patiently(partial(log_params, client, run_id, hyperparameters), patience, "hyperparameters")
        # Noted before there is a job, so that it can be found whatever happens to this process.
        dataset = _find_dataset(delivery, executor)
        for name, value in _build_tags(delivery, config, executor, job_id, jobs, dataset).items():
            patiently(partial(client.set_tag, run_id, name, value), patience, "a tag")
        jobs.append(job_id)
        package = delivery.packaging.make_package(watching.enter_context(temporary_folder()))
        watching.enter_context(explaining_failure(client, run_id, package.path, dataset, config.log))
        watching.enter_context(noticing_no_capacity(executor, job_id))
        guard = JobGuard(client, run_id, executor, job_id, recorder, start, afterwards)
        watching.enter_context(guard.watching())
        executor.submit(job_id, recorder.take)
        building.close()
        if getattr(config, "detach", False):
            _logger.info("Job %s goes on by itself; to record it, run `tg-mlflow attach %s`", job_id, run_id)
            return None
        watching.enter_context(source.following(executor, job_id))
        is_recorded = watch_job(client, run_id, executor, job_id, recorder, dataset, config.log, start, show)
    return partial(executor.discard, job_id) if is_recorded else None


def _build_tags(
    delivery: SagemakerConfig,
    config: BackendConfig,
    executor: SagemakerExecutor,
    job_id: str,
    earlier_jobs: Sequence[str],
    dataset: Path | None,
) -> dict[str, str]:
    options, name = delivery.options, delivery.job.task.info.get("name")
    tags = {EXECUTOR_TAG: executor.place, JOB_ID_TAG: job_id, LOG_TAG: config.log.model_dump_json(), **config.tags}
    tags.update({NAME_TAG: str(name)} if name else {})
    tags.update({SECRETS_TAG: json.dumps(config.secrets)} if config.secrets else {})
    tags.update({EARLIER_JOBS_TAG: " ".join(earlier_jobs)} if earlier_jobs else {})
    if dataset is not None:
        tags[DATASET_TAG] = str(dataset)
    if options.docker_host is not None:
        tags[DOCKER_HOST_TAG] = options.docker_host
    return {**tags, **build_place_tags(executor)}


def _find_dataset(delivery: SagemakerConfig, executor: SagemakerExecutor) -> Path | None:
    """Where the dataset is here; for a job that runs elsewhere, it need not be here."""
    try:
        return delivery.options.local_dataset_path
    except DatasetError:
        if executor.is_remote:
            return None
        raise
