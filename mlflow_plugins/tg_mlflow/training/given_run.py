"""Takes a run that exists for a training, in place of a new one."""

from collections.abc import Mapping

from mlflow.entities import RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg_mlflow.errors import RunNotOursError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import is_running, read_run
from tg_mlflow.tracking.tags import JOB_ID_TAG, SWEEP_TAG

_ADVICE = "give one that goes on and has no training yet, or leave out --run-id and MLFLOW_RUN_ID for a new one"


def take_run(client: TrackingClient, run_id: str, tags: Mapping[str, str], run_name: str | None) -> str:
    """Takes a run, and gives it the tags of a new one; it stays below the run that it is below.

    Args:
        client: The tracking server's.
        run_id: The run.
        tags: The tags.
        run_name: Its new name; ``None`` to leave it.

    Returns:
        The run's id.

    Raises:
        RunNotOursError: If the run has ended, or has a training, or there is none.
        TrackingError: If the tracking server does not answer.
    """
    check_takes_training(client, run_id)
    own = [RunTag(name, value) for name, value in tags.items() if name != MLFLOW_PARENT_RUN_ID]
    client.log_batch(run_id, tags=own)
    if run_name is not None:
        client.update_run(run_id, name=run_name)
    return run_id


def check_takes_training(client: TrackingClient, run_id: str) -> None:
    """Checks that a run can get a training.

    Raises:
        RunNotOursError: If the run has ended, or has a training, or there is none.
        TrackingError: If the tracking server does not answer.
    """
    run = read_run(client, run_id)
    if not is_running(run):
        raise RunNotOursError(f"run {run_id!r} takes no training, as it is {run.info.status}; {_ADVICE}")
    if JOB_ID_TAG in run.data.tags or SWEEP_TAG in run.data.tags:
        raise RunNotOursError(f"run {run_id!r} has a training already; {_ADVICE}")
