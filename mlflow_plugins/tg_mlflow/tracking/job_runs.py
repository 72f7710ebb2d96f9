"""Finds the runs and models that a job has made by calls of MLflow, which name its training's run in a tag."""

import logging
import re
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, LoggedModel, LoggedModelStatus, Run, RunStatus, ViewType

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.tags import JOB_MODEL_TAG, JOB_RUN_TAG, TRAINING_RUN_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

# Of runs and of logged models.
_ID = re.compile(r"\b(?:m-)?[0-9a-f]{32}\b")


def find_job_runs(client: MlflowClient, run_id: str, experiment_id: str) -> dict[str, Run]:
    """Finds the further runs that the job of a training's run has made, also deleted ones, by their ids there.

    A run may have several ids, one for each attempt of the job.
    """
    runs: dict[str, Run] = {}
    token = None
    while True:
        page = client.search_runs([experiment_id], _filter_made_by(run_id), ViewType.ALL, page_token=token)
        runs |= {local_id: run for run in page for local_id in run.data.tags.get(JOB_RUN_TAG, "").split()}
        token = page.token
        if not token:
            return runs


def find_job_models(client: MlflowClient, run_id: str, experiment_id: str) -> dict[str, LoggedModel]:
    """Finds the logged models that a training's job has made, by their ids there."""
    models: dict[str, LoggedModel] = {}
    token = None
    while True:
        page = client.search_logged_models([experiment_id], _filter_made_by(run_id), page_token=token)
        models |= {model.tags[JOB_MODEL_TAG]: model for model in page if JOB_MODEL_TAG in model.tags}
        token = page.token
        if not token:
            return models


def end_job_runs(client: MlflowClient, run_id: str, experiment_id: str, status: str) -> None:
    """Ends the runs that a training's job has made and not ended; a server that refuses it is no reason to stop.

    The models of a training that has not succeeded have FAILED, as their files are not there.

    Args:
        client: The tracking server's.
        run_id: The run of the training.
        experiment_id: Its experiment.
        status: The status with which that is about to end.

    Raises:
        TrackingError: If the server does not answer.
    """
    try:
        runs = find_job_runs(client, run_id, experiment_id)
        for run in {run.info.run_id: run for run in runs.values()}.values():
            has_ended = RunStatus.is_terminated(RunStatus.from_string(run.info.status))
            if not has_ended and run.info.lifecycle_stage == LifecycleStage.ACTIVE:
                client.set_terminated(run.info.run_id, status)
        if status != RunStatus.to_string(RunStatus.FINISHED):
            for model in find_job_models(client, run_id, experiment_id).values():
                if model.status == LoggedModelStatus.PENDING:
                    client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
    except TrackingError as error:
        if not error.is_final:
            raise
        _logger.warning("What the job of run %s has made cannot be ended: %s", run_id, error)


def map_ids(text: str, ids: Mapping[str, str]) -> str:
    """Replaces the ids of a job's runs and models in a text, such as a link or a tag, by those on the server."""
    return _ID.sub(lambda found: ids.get(found[0], found[0]), text) if ids else text


def _filter_made_by(run_id: str) -> str:
    return f"tags.`{TRAINING_RUN_TAG}` = '{run_id}'"
