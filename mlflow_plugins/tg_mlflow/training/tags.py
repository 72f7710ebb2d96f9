"""The tags by which the job of a run is found again."""

import json
from collections.abc import Sequence
from pathlib import Path

from tg.common.delivery.sagemaker import Executor, SagemakerConfig
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.registration.registration import build_register_tags
from tg_mlflow.tracking.tags import (
    DATASET_TAG,
    DELIVERY_TAG,
    EARLIER_JOBS_TAG,
    JOB_ID_TAG,
    LOG_TAG,
    METRIC_REGEXES_TAG,
    NAME_TAG,
    PLACE_TAG,
    SECRETS_TAG,
)


def build_job_tags(
    config: PlaceConfig,
    executor: Executor,
    job_id: str,
    dataset: Path | None = None,
    run_name: str | None = None,
    earlier_jobs: Sequence[str] = (),
) -> dict[str, str]:
    """Builds the tags of a run whose job is about to be started, those of the configuration included.

    Args:
        config: The configuration of the training.
        executor: The executor that can reach the job.
        job_id: The job's id.
        dataset: The dataset, where it is on this machine.
        run_name: The run's name, if the task has one.
        earlier_jobs: The jobs that were tried before.
    """
    tags = {PLACE_TAG: config.place, JOB_ID_TAG: job_id, LOG_TAG: config.log.model_dump_json(), **config.tags}
    optional = {
        NAME_TAG: run_name,
        METRIC_REGEXES_TAG: json.dumps(config.metric_regexes) if config.metric_regexes else None,
        SECRETS_TAG: json.dumps(config.secrets) if config.secrets else None,
        EARLIER_JOBS_TAG: " ".join(earlier_jobs),
        DATASET_TAG: None if dataset is None else str(dataset),
    }
    tags.update({name: value for name, value in optional.items() if value})
    tags.update(build_register_tags(config))
    return {**tags, **find_place(config.place).write_tags(executor.options)}


def describe_delivery(delivery: SagemakerConfig) -> dict[str, str]:
    """Describes in a tag what it takes, besides the package and the configuration, to train the same again."""
    options = delivery.options
    content = {
        "project_name": options.project_name,
        "datasets_folder": str(Path(options.datasets_folder).absolute()),
        "resource": delivery.resource_name,
    }
    return {DELIVERY_TAG: json.dumps(content)}
