"""Records a job that others have created, such as SageMaker's tuner, as a run like any other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Run, RunTag

from tg.common import TgError
from tg.common.delivery.sagemaker import Listener, LogEvent, SagemakerRemoteExecutor
from tg.common.errors import DatasetError
from tg_mlflow.errors import describe_failure
from tg_mlflow.places.config import BackendConfig
from tg_mlflow.places.remote_place import build_place_tags
from tg_mlflow.sweeps.report.table import SweepChildResult
from tg_mlflow.sweeps.trainer import describe_child
from tg_mlflow.takeover.attach import record_rest
from tg_mlflow.takeover.run_job import RunJob
from tg_mlflow.tracking.masking_client import MaskingClient
from tg_mlflow.tracking.tags import DATASET_TAG, EXECUTOR_TAG, JOB_ID_TAG, LOG_TAG, SECRETS_TAG
from tg_mlflow.training.creation import create_child_run, log_params


def create_job_run(
    client: MaskingClient,
    parent: Run,
    executor: SagemakerRemoteExecutor,
    job_id: str,
    params: Mapping[str, str],
    config: BackendConfig,
) -> RunJob:
    """Creates the run of a job, below another run; from now on ``tg-mlflow attach`` can record it, too.

    Args:
        client: The tracking server's.
        parent: The run that it belongs to.
        executor: Where the job is.
        job_id: The job, which is also the run's name.
        params: What the job was given, besides the configuration's hyperparameters.
        config: What is recorded of it.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    run_id = create_child_run(client, parent, job_id)
    dataset = _find_dataset(executor)
    tags = {EXECUTOR_TAG: executor.place, JOB_ID_TAG: job_id, LOG_TAG: config.log.model_dump_json(), **config.tags}
    tags.update({SECRETS_TAG: json.dumps(config.secrets)} if config.secrets else {})
    tags.update({} if dataset is None else {DATASET_TAG: str(dataset)})
    tags.update(build_place_tags(executor))
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    log_params(client, run_id, {**executor.config.options.hyperparameters, **params})
    return RunJob(client.get_run(run_id), job_id, executor, dataset, config.log)


def record_job(
    client: MaskingClient, job: RunJob, combination: Mapping[str, Any], show: Listener | None = None
) -> SweepChildResult:
    """Records a job while it runs, waits for its end and ends its run; many threads may do so at the same time.

    Args:
        client: The tracking server's.
        job: What :func:`create_job_run` gives.
        combination: The job's parameters as numbers and texts, for tables and plots.
        show: Shows the job's output; by default nobody does.

    Returns:
        How it has ended, which is also where it says why it has failed.
    """
    run_id, failure = job.run.info.run_id, None
    own = MaskingClient(client.tracking_uri, client.mask)
    try:
        record_rest(own, job, show or _show_nothing)
    except TgError as error:
        failure = describe_failure(error)
    run = own.get_run(run_id)
    return describe_child(run, job.job_id, combination, run.info.status, failure)


def _find_dataset(executor: SagemakerRemoteExecutor) -> Path | None:
    """Where the dataset is on this machine, where it need not be."""
    try:
        return executor.config.options.local_dataset_path
    except DatasetError:
        return None


def _show_nothing(event: LogEvent) -> None:
    """The log is in the run."""
