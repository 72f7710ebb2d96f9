"""Records a job that something else has created, such as SageMaker's tuner, as a run like any other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlflow.entities import Run

from tg.common import TgError
from tg.common.delivery.sagemaker import Executor, Listener, SagemakerOptions
from tg_mlflow.errors import describe_failure
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.sweeps.report.table import SweepChildResult, describe_child
from tg_mlflow.sweeps.trainer import show_nothing
from tg_mlflow.takeover.rest import record_rest
from tg_mlflow.takeover.run_job import RunJob
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.training.creation import create_child_run, log_params
from tg_mlflow.training.tags import build_state, note_job


def create_job_run(
    client: TrackingClient,
    parent: Run,
    executor: Executor,
    job_id: str,
    params: Mapping[str, str],
    config: PlaceConfig,
    options: SagemakerOptions,
) -> RunJob:
    """Creates the run of a job, below another run; from then on, ``tg-mlflow attach`` can also record it.

    Args:
        client: The tracking server's.
        parent: The parent run.
        executor: The executor that can reach the job.
        job_id: The job, which is also the run's name.
        params: The job's parameters, besides the hyperparameters in ``options``.
        config: The place's configuration.
        options: The dataset and the hyperparameters of all such jobs.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    run_id = create_child_run(client, parent, job_id)
    dataset = options.find_local_dataset()
    # Of all trainings, only the best one might be registered, by whoever knows it.
    config = config.model_copy(update={"register": None})
    state = replace(build_state(config), dataset=None if dataset is None else str(dataset))
    note_job(client, run_id, config, executor, job_id, state)
    log_params(client, run_id, {**options.hyperparameters, **params})
    return RunJob(run_id, executor, job_id, client.get_run(run_id), dataset, config.log, config.metric_regexes)


def record_job(
    client: TrackingClient, job: RunJob, combination: Mapping[str, Any], show: Listener = show_nothing
) -> SweepChildResult:
    """Records a job while it runs, waits for its end and ends its run; many threads may do so at the same time.

    Args:
        client: The tracking server's.
        job: What :func:`create_job_run` returned.
        combination: The job's parameters as numbers and strings, for tables and figures.
        show: Called with the job's output.

    Returns:
        How it has ended, and why it failed.
    """
    failure = None
    try:
        record_rest(client, job, show)
    except TgError as error:
        failure = describe_failure(error)
    run = client.get_run(job.run_id)
    return describe_child(run, job.job_id, combination, run.info.status, failure)
