"""Looks at a sweep, and stops one, by the run of the sweep."""

import logging
from concurrent.futures import ThreadPoolExecutor

from mlflow import MlflowClient
from mlflow.entities import Run, RunStatus

from tg.common import TgError
from tg_mlflow.errors import RunNotOursError, SweepError
from tg_mlflow.launcher_tag import find_other_launcher, is_this_host
from tg_mlflow.left_job import find_left_job
from tg_mlflow.resume import cancel_job
from tg_mlflow.run_lifecycle import describe_failure
from tg_mlflow.sweep_runs import is_running, list_children, name_child

_logger = logging.getLogger("mlflow.tg_mlflow")

_KILLED = RunStatus.to_string(RunStatus.KILLED)
_MOST_AT_ONCE = 32


def describe_sweep_status(client: MlflowClient, parent: Run) -> str:
    """Writes a sweep's status, and that of each of its trainings' runs, a line each."""
    children = list_children(client, parent)
    launcher = find_other_launcher(parent.data.tags)
    lines = [f"run {parent.info.run_id} {parent.info.status}{f', run by process {launcher}' if launcher else ''}"]
    width = max((len(name_child(run)) for run in children), default=0)
    lines += [f"  {name_child(run):<{width}}  {run.info.run_id}  {run.info.status}" for run in children]
    return "\n".join(lines)


def cancel_sweep(client: MlflowClient, parent: Run) -> None:
    """Stops the jobs of a sweep's trainings and ends their runs, and the sweep's, as KILLED.

    Raises:
        RunNotOursError: If the sweep's launcher goes on, which would start others.
        SweepError: If a job could not be stopped; the others were.
    """
    run_id = parent.info.run_id
    if (process := find_other_launcher(parent.data.tags)) is not None:
        raise RunNotOursError(
            f"sweep {run_id!r} is run by process {process} now; stop it with Ctrl-C or `kill -INT {process}`"
        )
    running = [run for run in list_children(client, parent) if is_running(run)]
    is_here = is_this_host(parent.data.tags)
    # At the same time: SageMaker gives each job two minutes to stop.
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        failures = list(pool.map(lambda run: _cancel(client, run, is_here), running))
    failed = [name_child(run) for run, failure in zip(running, failures, strict=True) if failure is not None]
    for run, failure in zip(running, failures, strict=True):
        if failure is not None:
            _logger.error("Training %s goes on: %s", name_child(run), describe_failure(failure))
    if failed:
        raise SweepError(f"{len(failed)} of {len(running)} trainings could not be stopped: {', '.join(failed)}")
    if is_running(parent):
        client.set_terminated(run_id, _KILLED)
    _logger.info("Stopped %d trainings of sweep %s", len(running), run_id)


def _cancel(client: MlflowClient, run: Run, is_here: bool) -> TgError | None:
    try:
        if (found := find_left_job(client, run, is_here)) is not None:
            cancel_job(client, found)
    except TgError as error:
        return error
    return None
