"""Settles runs whose launchers are gone, all at once: those left RUNNING or SCHEDULED, and those left incomplete."""

from collections.abc import Callable, Collection, Iterable, Iterator

from mlflow.entities import Run

from tg.common import TgError
from tg.common.errors import JobMissingError
from tg_mlflow.errors import RunNotOursError, TrackingError, describe_failure
from tg_mlflow.registration.registration import settle_registration
from tg_mlflow.sweeps.record import count_missing
from tg_mlflow.sweeps.runs import is_sweep
from tg_mlflow.takeover.attach import attach, check_is_left
from tg_mlflow.takeover.left_job import NEVER_STARTED, find_left_job, has_begun
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.takeover.status import mask_run_secrets
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import Launcher, is_this_host, keeps_jobs_here, read_settled_run
from tg_mlflow.tracking.search import is_running, list_experiments, search_runs
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


def foresee_runs(client: TrackingClient) -> dict[str, str]:
    """Says what :func:`reconcile_runs` would do with each of its runs, by its id; changes nothing."""
    runs = {run.info.run_id: run for run in _find_running(client)}
    return {run_id: _foresee(client, run_id) for run_id in runs}


def _foresee(client: TrackingClient, run_id: str) -> str:
    try:
        run, launcher = read_settled_run(client, run_id)
        if is_sweep(run):
            return _find_obstacle(client, run, launcher) or "would be settled: all its trainings have ended"
        check_is_left(run, launcher)
        return _foresee_job(run) if is_running(run) else str(run.info.status)
    except (TgError, OSError) as error:
        return f"left alone: {describe_failure(error)}"


def _foresee_job(run: Run) -> str:
    if JOB_ID_TAG not in run.data.tags and is_this_host(run.data.tags):
        return f"would be KILLED: {NEVER_STARTED}"
    found, is_here = find_job(run), _is_here(run)
    try:
        if is_here and not has_begun(found):
            return f"would be KILLED: {NEVER_STARTED}"
        state = found.executor.status(found.job_id)
    except JobMissingError:
        if not is_here:
            raise
        return f"would be KILLED: {NEVER_STARTED}"
    if not state.status.is_final:
        return f"left alone: its job is {state.status.value}"
    return f"would be recorded to its end: its job is {state.status.value}"


def complete_runs(client: TrackingClient, is_dry: bool = False) -> dict[str, str]:
    """Completes runs that have FINISHED without all that belongs to them: uploads results, and registers models.

    A run that cannot be completed does not affect others.

    Args:
        client: The tracking server's.
        is_dry: Whether it is only said what would be done.

    Returns:
        The outcome for each of these runs, by its id.
    """
    runs = {run.info.run_id: run for run in _find(client, ("FINISHED",), (NOT_UPLOADED_TAG, REGISTER_TAG))}
    return {run_id: _complete(client, run, is_dry) for run_id, run in runs.items()}


def _complete(client: TrackingClient, run: Run, is_dry: bool) -> str:
    run_id = run.info.run_id
    try:
        check_is_left(*read_settled_run(client, run_id))
        if is_dry:
            lacking = "its results" if NOT_UPLOADED_TAG in run.data.tags else "the registration of its model"
            return f"would get what it lacks: {lacking}"
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
    experiments = list_experiments(client)
    for status in statuses:
        for tag in tags:
            yield from search_runs(client, experiments, f"attributes.status = '{status}' and tags.`{tag}` LIKE '%'")


def _settle_sweep(client: TrackingClient, run_id: str, resume: Callable[[TrackingClient, Run], TrainingEnd]) -> str:
    try:
        run, launcher = read_settled_run(client, run_id)
        return _find_obstacle(client, run, launcher) or resume(client, run).status
    except (TgError, OSError) as error:
        return f"left alone: {describe_failure(error)}"


def _find_obstacle(client: TrackingClient, run: Run, launcher: Launcher | None) -> str | None:
    """Says why nothing is to be settled in a sweep."""
    if launcher is not None:
        return f"left alone: process {launcher.pid} runs it"
    if not is_running(run):
        return str(run.info.status)
    if not (missing := count_missing(client, run)):
        return None
    trainings = "1 training is" if missing == 1 else f"{missing} trainings are"
    return f"left alone: {trainings} missing; `tg-mlflow attach {run.info.run_id}` resumes it"


def _settle(client: TrackingClient, run_id: str) -> str:
    try:
        _record_or_end(client, run_id)
    except (TgError, OSError) as error:
        return _describe_outcome(client, run_id, error)
    return str(client.get_run(run_id).info.status)


def _record_or_end(client: TrackingClient, run_id: str) -> None:
    run, launcher = read_settled_run(client, run_id)
    check_is_left(run, launcher)
    if not is_running(run):
        return
    if _is_here(run) and find_left_job(client, run, is_here=True) is None:
        return
    found = find_job(run)
    state = found.executor.status(found.job_id)
    if not state.status.is_final:
        raise RunNotOursError(f"its job is {state.status.value}")
    attach(client, run_id)


def _is_here(run: Run) -> bool:
    tags = run.data.tags
    return is_this_host(tags) and (JOB_ID_TAG not in tags or keeps_jobs_here(tags))


def _describe_outcome(client: TrackingClient, run_id: str, error: Exception) -> str:
    """Describes an error: a failed job's run has ended, an incompletely recorded one has not."""
    try:
        run = client.get_run(run_id)
    except TrackingError as problem:
        return f"left alone: {describe_failure(problem)}"
    return f"left alone: {describe_failure(error)}" if is_running(run) else str(run.info.status)
