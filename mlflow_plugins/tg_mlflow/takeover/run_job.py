"""Finds the job of a run again, from the run's tags alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_BACKEND
from pydantic import ValidationError

from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerExecutor,
    SagemakerJob,
    SagemakerLocalExecutor,
    SagemakerOptions,
    SagemakerProcessExecutor,
    SagemakerRemoteExecutor,
)
from tg.common.errors import suggestion
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.places.remote_place import read_place_tags
from tg_mlflow.tracking.search import read_run
from tg_mlflow.tracking.tags import DATASET_TAG, DOCKER_HOST_TAG, EXECUTOR_TAG, JOB_ID_TAG, LOG_TAG, SWEEP_TAG
from tg_mlflow.training.submission import ExecutorFactory

_BACKEND_PREFIX = "tg-"
_EXECUTORS = {
    each.place: each
    for each in (SagemakerAttachedExecutor, SagemakerProcessExecutor, SagemakerLocalExecutor, SagemakerRemoteExecutor)
}


@dataclass(frozen=True)
class RunJob:
    """A run and the job that belongs to it.

    Attributes:
        run: The run, as it was when it was looked at.
        job_id: The job's id.
        executor: Where the job runs; it can do everything with it but start it.
        dataset: What it trains on, where that is on this machine.
        log: What its run is to record besides the archive.
    """

    run: Run
    job_id: str
    executor: SagemakerExecutor
    dataset: Path | None
    log: LogConfig


def find_run_job(client: MlflowClient, run_id: str) -> RunJob:
    """Finds a run's job.

    Raises:
        RunNotOursError: If there is no such run, or it has no job.
    """
    return find_job(read_run(client, run_id))


def check_is_ours(run: Run) -> None:
    """Checks that a run is of a training of ours, whether or not it has a job yet.

    Raises:
        RunNotOursError: If it is not.
    """
    if not run.data.tags.get(MLFLOW_PROJECT_BACKEND, "").startswith(_BACKEND_PREFIX):
        find_job(run)  # which says so, unless it has a job all the same


def find_job(run: Run, make_executor: ExecutorFactory | None = None) -> RunJob:
    """Finds a run's job.

    Args:
        run: The run.
        make_executor: Makes the job's place, if that is to be shared with other jobs.

    Raises:
        RunNotOursError: If it has no job.
    """
    run_id, place, job_id = run.info.run_id, run.data.tags.get(EXECUTOR_TAG), run.data.tags.get(JOB_ID_TAG)
    if SWEEP_TAG in run.data.tags:
        raise RunNotOursError(f"run {run_id!r} is a sweep; give the id of one of its trainings' runs")
    if place is None or job_id is None:
        raise RunNotOursError(
            f"run {run_id!r} has no job: it was not started by a backend of tg-mlflow, or had not come so far"
        )
    if place not in _EXECUTORS:
        raise RunNotOursError(
            f"run {run_id!r} is from the executor {place!r}, which is not known; {suggestion(place, _EXECUTORS)}"
        )
    tags = run.data.tags
    dataset = Path(tags[DATASET_TAG]) if DATASET_TAG in tags else None
    return RunJob(
        run=run,
        job_id=job_id,
        executor=(make_executor or _EXECUTORS[place])(_describe_existing_job(tags)),
        dataset=dataset if dataset is not None and dataset.exists() else None,
        log=_read_log_config(run),
    )


def _read_log_config(run: Run) -> LogConfig:
    text = run.data.tags.get(LOG_TAG, "{}")
    try:
        return LogConfig.model_validate_json(text)
    except ValidationError as error:
        raise RunNotOursError(
            f"the tag {LOG_TAG} of run {run.info.run_id!r} is damaged: {text!r}; remove it to have everything logged"
        ) from error


class _ExistingTask(AbstractTrainingTask):
    """Stands for the task of a job that was started elsewhere."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        raise RunNotOursError("a job that was found again cannot be started")


def _describe_existing_job(tags: Mapping[str, str]) -> SagemakerConfig:
    packaging = Packaging("ExistingJob", "0", {})
    options = SagemakerOptions(
        None, None, "existing", ".", docker_host=tags.get(DOCKER_HOST_TAG), remote=read_place_tags(tags)
    )
    return SagemakerConfig(SagemakerJob(_ExistingTask()), packaging, Containering.from_packaging(packaging), options)
