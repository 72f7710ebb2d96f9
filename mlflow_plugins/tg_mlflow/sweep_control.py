"""Looks at a sweep, and stops one, by the run of the sweep."""

import logging

from mlflow import MlflowClient
from mlflow.entities import Run, RunStatus

from tg.common import TgError
from tg_mlflow.errors import RunNotOursError, SweepError
from tg_mlflow.launcher_tag import find_other_launcher
from tg_mlflow.resume import cancel
from tg_mlflow.run_lifecycle import describe_failure
from tg_mlflow.run_tags import JOB_ID_TAG
from tg_mlflow.sweep_runs import is_running, list_children, name_child

_logger = logging.getLogger("mlflow.tg_mlflow")

_KILLED = RunStatus.to_string(RunStatus.KILLED)


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
    failed = []
    for run in running:
        try:
            if JOB_ID_TAG in run.data.tags:
                cancel(client, run.info.run_id)
            else:  # its launcher had not come so far
                client.set_terminated(run.info.run_id, _KILLED)
        except TgError as error:
            _logger.error("Training %s goes on: %s", name_child(run), describe_failure(error))
            failed.append(name_child(run))
    if failed:
        raise SweepError(f"{len(failed)} of {len(running)} trainings could not be stopped: {', '.join(failed)}")
    if is_running(parent):
        client.set_terminated(run_id, _KILLED)
    _logger.info("Stopped %d trainings of sweep %s", len(running), run_id)
