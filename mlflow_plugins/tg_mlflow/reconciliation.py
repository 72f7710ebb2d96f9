"""Settles runs that were left RUNNING, all at once."""

from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from tg.common import DeliveryError, JobFailedError, TgError
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.launcher_tag import read_launcher
from tg_mlflow.resume import attach
from tg_mlflow.run_job import find_run_job
from tg_mlflow.run_lifecycle import describe_failure
from tg_mlflow.run_tags import JOB_ID_TAG, SWEEP_TAG
from tg_mlflow.sweep_resume import count_missing, resume_sweep
from tg_mlflow.sweep_runs import search_runs


def reconcile_runs(client: MlflowClient) -> dict[str, str]:
    """Settles the runs that were left RUNNING or SCHEDULED and whose jobs have ended: records the rest and ends them.

    Runs whose jobs go on are left alone, and so are runs whose jobs were started on another machine. A sweep is settled
    if all of its trainings have ended; nothing is trained here.

    Returns:
        What has become of each of these runs, by its id.
    """
    outcomes = {run.info.run_id: _settle(client, run.info.run_id) for run in list(_find_running(client, JOB_ID_TAG))}
    sweeps = {run.info.run_id: _settle_sweep(client, run) for run in list(_find_running(client, SWEEP_TAG))}
    return {**outcomes, **sweeps}


def _find_running(client: MlflowClient, tag: str) -> Iterator[Run]:
    experiments = [each.experiment_id for each in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)]
    for status in ("RUNNING", "SCHEDULED"):
        yield from search_runs(client, experiments, f"attributes.status = '{status}' and tags.`{tag}` LIKE '%'")


def _settle_sweep(client: MlflowClient, run: Run) -> str:
    if (launcher := read_launcher(run.data.tags)) is not None:
        return f"left alone: process {launcher.pid} runs it"
    try:
        if missing := count_missing(client, run):
            return f"left alone: {missing} trainings are missing; `tg-mlflow attach {run.info.run_id}` resumes it"
        return resume_sweep(client, run).status
    except TgError as error:
        return f"left alone: {describe_failure(error)}"


def _settle(client: MlflowClient, run_id: str) -> str:
    try:
        found = find_run_job(client, run_id)
        state = found.executor.status(found.job_id)
    except (RunNotOursError, DeliveryError) as error:
        return f"left alone: {error}"
    if not state.status.is_final:
        return f"left alone: its job is {state.status.value}"
    try:
        attach(client, run_id)
    except RunNotOursError as error:
        return f"left alone: {error}"
    except JobFailedError:
        return str(client.get_run(run_id).info.status)
    return str(client.get_run(run_id).info.status)
