"""Finds runs, and what they keep."""

from collections.abc import Iterator
from pathlib import Path

from mlflow.entities import LifecycleStage, Run, RunStatus, ViewType
from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR
from mlflow.exceptions import MlflowException

from tg_mlflow.errors import RunDeletedError, RunNotOursError, TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import MISSING_LOG_TAG, NOT_UPLOADED_TAG, VERSION_TAG

_PAGE = 1000
_NO_SUCH_RUN = "RESOURCE_DOES_NOT_EXIST"  # MLflow's error code


def is_running(run: Run) -> bool:
    """Whether a run has not ended."""
    return not RunStatus.is_terminated(RunStatus.from_string(run.info.status))


def is_complete(run: Run) -> bool:
    """Whether a run has ended and all that its job has made and written is in it."""
    return not is_running(run) and not {NOT_UPLOADED_TAG, MISSING_LOG_TAG} & set(run.data.tags)


def search_runs(
    client: TrackingClient,
    experiment_ids: list[str],
    text: str,
    view: int = ViewType.ACTIVE_ONLY,
    page_size: int = _PAGE,
) -> Iterator[Run]:
    """Finds all runs that a filter describes, however many; deleted ones only with another view.

    The server is asked once for each page of them.
    """
    token = None
    while True:
        page = client.search_runs(experiment_ids, text, view, max_results=page_size, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def list_experiments(client: TrackingClient) -> list[str]:
    """Returns the ids of all experiments that are not deleted."""
    ids: list[str] = []
    token = None
    while True:
        page = client.search_experiments(page_token=token)
        ids += [each.experiment_id for each in page]
        token = page.token
        if not token:
            return ids


def search_own_runs(
    client: TrackingClient, text: str = "", experiment_ids: list[str] | None = None, page_size: int = _PAGE
) -> Iterator[Run]:
    """Finds the runs of ours that a filter describes, the newest first.

    Args:
        client: The tracking server's.
        text: The filter; by default, all are found.
        experiment_ids: Where to look; by default in all experiments.
        page_size: How many the server is asked for at once.
    """
    ours = f"tags.`{VERSION_TAG}` LIKE '%'"
    where = list_experiments(client) if experiment_ids is None else experiment_ids
    # MLflow's own order is by time, the newest first.
    return search_runs(client, where, f"{ours} and {text}" if text else ours, page_size=page_size)


def is_deleted(run: Run) -> bool:
    """Whether a run was deleted, alone or with its experiment, and can still be restored."""
    return bool(run.info.lifecycle_stage == LifecycleStage.DELETED)


def read_run(client: TrackingClient, run_id: str, allows_deleted: bool = False) -> Run:
    """Reads a run.

    Args:
        client: The tracking server's.
        run_id: The run.
        allows_deleted: Whether it may have been deleted.

    Raises:
        RunNotOursError: If there is no such run.
        RunDeletedError: If it was deleted.
        TrackingError: If the tracking server does not answer.
    """
    try:
        run = client.get_run(run_id)
    except TrackingError as error:
        if not error.is_final:
            raise
        raise RunNotOursError(f"run {run_id!r} cannot be read: {error}; check the id and the tracking URI") from error
    if is_deleted(run) and not allows_deleted:
        raise RunDeletedError(
            f"run {run_id!r} is deleted; restore it, as with `mlflow runs restore --run-id {run_id}`, or end its "
            f"job and remove what that has left with `tg-mlflow cancel {run_id}`"
        )
    return run


def find_run(client: TrackingClient, run_id: str) -> Run | None:
    """Reads a run, also a deleted one; ``None`` if there is none, as after it was deleted for good.

    Raises:
        RunNotOursError: If it may not be read.
        TrackingError: If the tracking server does not answer.
    """
    try:
        return read_run(client, run_id, allows_deleted=True)
    except RunNotOursError as error:
        answer = error.__cause__ and error.__cause__.__cause__
        if isinstance(answer, MlflowException) and answer.error_code == _NO_SUCH_RUN:
            return None
        raise


def download_quietly(client: TrackingClient, run_id: str, artifact: str, folder: Path) -> Path:
    """Downloads one file without a progress bar, which for a small one is noise.

    Raises:
        TrackingError: If it is not there, or the store does not answer.
    """
    before = MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get_raw()
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    try:
        return Path(client.download_artifacts(run_id, artifact, str(folder)))
    finally:
        if before is None:
            MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.unset()
        else:
            MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(before)
