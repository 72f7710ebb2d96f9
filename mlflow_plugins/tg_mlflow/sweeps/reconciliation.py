"""Settles runs whose launchers are gone, all at once: those left RUNNING or SCHEDULED, and those left incomplete."""

from collections.abc import Callable, Collection, Iterable, Iterator

from mlflow.entities import Run, ViewType

from tg.common import TgError
from tg_mlflow.errors import RunNotOursError, TrackingError, describe_failure
from tg_mlflow.registration.registration import settle_registration
from tg_mlflow.sweeps.record import count_missing
from tg_mlflow.sweeps.runs import is_sweep
from tg_mlflow.takeover.attach import attach, check_is_left
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.takeover.status import mask_run_secrets
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import is_this_host, keeps_jobs_here, read_settled_run
from tg_mlflow.tracking.search import is_running, search_runs
from tg_mlflow.tracking.tags import JOB_ID_TAG, NOT_UPLOADED_TAG, REGISTER_TAG, REGISTERED_TAG, VERSION_TAG
from tg_mlflow.training.end import TrainingEnd


def reconcile_runs(client: TrackingClient, resume: Callable[[TrackingClient, Run], TrainingEnd]) -> dict[str, str]:
    """Settles runs that were left RUNNING or SCHEDULED and whose jobs have ended: records the rest and ends them.

    Runs whose launcher has died on this machine before it had started a job are KILLED. Runs whose jobs go on are left
    alone, and so are runs whose jobs were started on another machine. A sweep is settled if all its trainings have
    ended; nothing is trained here. A run that cannot be settled does not affect others.

    Args:
        client: The tracking server's.
        resume: Resumes a sweep that has nothing left to train, as :func:`resume_sweep` does.

    Returns:
        The outcome for each of these runs, by its id.
    """
    runs = {run.info.run_id: run for run in _find_running(client)}
    sweeps = [run_id for run_id, run in runs.items() if is_sweep(run)]
    outcomes = {run_id: _settle(client, run_id) for run_id in runs if run_id not in sweeps}
    return {**outcomes, **{run_id: _settle_sweep(client, run_id, resume) for run_id in sweeps}}


def complete_runs(client: TrackingClient) -> dict[str, str]:
    """Completes runs that have FINISHED without all that belongs to them: uploads results, and registers models.

    A run that cannot be completed does not affect others.

    Args:
        client: The tracking server's.

    Returns:
        The outcome for each of these runs, by its id.
    """
    runs = {run.info.run_id: run for run in _find(client, ("FINISHED",), (NOT_UPLOADED_TAG, REGISTER_TAG))}
    return {run_id: _complete(client, run) for run_id, run in runs.items()}


def _complete(client: TrackingClient, run: Run) -> str:
    run_id = run.info.run_id
    try:
        check_is_left(*read_settled_run(client, run_id))
        if is_sweep(run):
            settle_registration(mask_run_secrets(client, run), run_id)
        else:
            attach(client, run_id)
        run = client.get_run(run_id)
    except (TgError, OSError) as error:
        return f"left alone: {describe_failure(error)}"
    outcome = run.data.tags.get(REGISTERED_TAG)
    return str(run.info.status) if outcome is None else f"{run.info.status}, its model is {outcome}"


def _find_running(client: TrackingClient) -> Iterator[Run]:
    # A run that MLflow's own backend has created gets its job's tags only.
    return _find(client, ("RUNNING", "SCHEDULED"), (JOB_ID_TAG, VERSION_TAG))


def _find(client: TrackingClient, statuses: Iterable[str], tags: Collection[str]) -> Iterator[Run]:
    """Finds runs with one of the statuses and one of the tags."""
    experiments = [each.experiment_id for each in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)]
    for status in statuses:
        for tag in tags:
            yield from search_runs(client, experiments, f"attributes.status = '{status}' and tags.`{tag}` LIKE '%'")


def _settle_sweep(client: TrackingClient, run_id: str, resume: Callable[[TrackingClient, Run], TrainingEnd]) -> str:
    try:
        run, launcher = read_settled_run(client, run_id)
        if launcher is not None:
            return f"left alone: process {launcher.pid} runs it"
        if not is_running(run):
            return str(run.info.status)
        if missing := count_missing(client, run):
            trainings = "1 training is" if missing == 1 else f"{missing} trainings are"
            return f"left alone: {trainings} missing; `tg-mlflow attach {run_id}` resumes it"
        return resume(client, run).status
    except (TgError, OSError) as error:
        return f"left alone: {describe_failure(error)}"


def _settle(client: TrackingClient, run_id: str) -> str:
    try:
        _record_or_end(client, run_id)
    except (TgError, OSError) as error:
        return _describe_outcome(client, run_id, error)
    return str(client.get_run(run_id).info.status)


def _record_or_end(client: TrackingClient, run_id: str) -> None:
    run, launcher = read_settled_run(client, run_id)
    check_is_left(run, launcher)
    tags = run.data.tags
    if not is_running(run):
        return
    is_here = is_this_host(tags) and (JOB_ID_TAG not in tags or keeps_jobs_here(tags))
    if is_here and find_left_job(client, run, is_here) is None:
        return
    found = find_job(run)
    state = found.executor.status(found.job_id)
    if not state.status.is_final:
        raise RunNotOursError(f"its job is {state.status.value}")
    attach(client, run_id)


def _describe_outcome(client: TrackingClient, run_id: str, error: Exception) -> str:
    """Describes an error: a failed job's run has ended, an incompletely recorded one has not."""
    try:
        run = client.get_run(run_id)
    except TrackingError as problem:
        return f"left alone: {describe_failure(problem)}"
    return f"left alone: {describe_failure(error)}" if is_running(run) else str(run.info.status)
