"""Finds the runs and models that a job has made by calls of MLflow, which name its training's run in a tag."""

import re
from collections.abc import Mapping

from mlflow.entities import LoggedModel, Run, ViewType

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import JOB_MODEL_TAG, JOB_RUN_TAG, TRAINING_RUN_TAG

# Of runs and of logged models.
_ID = re.compile(r"\b(?:m-)?[0-9a-f]{32}\b")


def find_job_runs(client: TrackingClient, training: Run) -> dict[str, Run]:
    """Finds the runs that a training's job has made besides its own, the deleted ones included, by their ids there."""
    runs: dict[str, Run] = {}
    experiments, token = [training.info.experiment_id], None
    while True:
        page = client.search_runs(experiments, _filter_made_by(training), ViewType.ALL, page_token=token)
        runs |= {run.data.tags[JOB_RUN_TAG]: run for run in page if JOB_RUN_TAG in run.data.tags}
        token = page.token
        if not token:
            return runs


def find_job_models(client: TrackingClient, training: Run) -> dict[str, LoggedModel]:
    """Finds the logged models that a training's job has made, by their ids there."""
    models: dict[str, LoggedModel] = {}
    experiments, token = [training.info.experiment_id], None
    while True:
        page = client.search_logged_models(experiments, _filter_made_by(training), page_token=token)
        models |= {model.tags[JOB_MODEL_TAG]: model for model in page if JOB_MODEL_TAG in model.tags}
        token = page.token
        if not token:
            return models


def map_ids(text: str, ids: Mapping[str, str]) -> str:
    """Replaces the ids of a job's runs and models in a text, such as a link or a tag, by those on the server."""
    return _ID.sub(lambda found: ids.get(found[0], found[0]), text) if ids else text


def _filter_made_by(training: Run) -> str:
    return f"tags.`{TRAINING_RUN_TAG}` = '{training.info.run_id}'"
