"""Creates runs and experiments once, also where the answer is lost."""

import logging
import secrets
from collections.abc import Mapping

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import CREATION_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

# Of experiments for which MLflow's pages show metrics and models, not traces; MLflow has no name for it in Python.
_MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}


def create_run_once(
    hasty: TrackingClient,
    experiment_id: str,
    tags: Mapping[str, str],
    run_name: str | None,
    start_time: int | None = None,
) -> str:
    """Creates a run and returns its id.

    It asks once, as a second request may make a second run. Where the answer is lost, the run is found by a tag; where
    MLflow's own client has asked twice, the other run is removed.

    Args:
        hasty: The tracking server's, without patience.
        experiment_id: Where it is created.
        tags: Its tags.
        run_name: Its name; MLflow invents one if there is none.
        start_time: When it has begun, in milliseconds since 1970; by default now.

    Raises:
        TrackingError: If the tracking server does not create it.
    """
    creation = secrets.token_hex(8)
    try:
        run = hasty.create_run(experiment_id, start_time, tags={CREATION_TAG: creation, **tags}, run_name=run_name)
        run_id = str(run.info.run_id)
    except TrackingError:
        made = _find_created(hasty, experiment_id, creation)
        if not made:
            raise
        run_id = made[0]
    _remove_doubles(hasty, experiment_id, creation, run_id)
    return run_id


def _find_created(client: TrackingClient, experiment_id: str, creation: str) -> list[str]:
    """Finds the runs that were created by one request, however often it was sent; none if the server does not say."""
    try:
        found = client.search_runs([experiment_id], f"tags.`{CREATION_TAG}` = '{creation}'")
    except TrackingError:
        return []
    return [run.info.run_id for run in found]


def _remove_doubles(client: TrackingClient, experiment_id: str, creation: str, run_id: str) -> None:
    for other in _find_created(client, experiment_id, creation):
        if other != run_id:
            try:
                client.delete_run(other)
            except TrackingError as error:
                _logger.warning(
                    "Run %s was created beside run %s and cannot be removed: %s; use `tg-mlflow cancel %s`",
                    other,
                    run_id,
                    error,
                    other,
                )


def find_or_create_experiment(client: TrackingClient, name: str) -> str:
    """Returns the id of an experiment, which is created if it does not exist; one that exists is left as it is.

    A new one is for model training.

    Raises:
        TrackingError: If the tracking server does not answer, or refuses the name.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, tags=_MODEL_TRAINING))
    except TrackingError:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process has created it meanwhile
