"""Describes and stops a sweep, by the sweep's run."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mlflow.entities import Run, RunStatus, ViewType

from tg.common import TgError
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import RunNotOursError, SweepError, describe_failure
from tg_mlflow.sweeps.record import read_sweep
from tg_mlflow.sweeps.runs import group_children, list_children, name_child
from tg_mlflow.takeover.cancellation import wait_for_launcher
from tg_mlflow.takeover.deleted_run import remove_job, wait_until_gone
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.takeover.rest import cancel_job
from tg_mlflow.takeover.status import describe_wait, mask_run_secrets
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import keeps_jobs_here, read_launcher, read_other_host
from tg_mlflow.tracking.search import is_deleted, is_running
from tg_mlflow.tracking.stop_reasons import describe_cancel, write_stop_reason

_logger = logging.getLogger("mlflow.tg_mlflow")

_KILLED = RunStatus.to_string(RunStatus.KILLED)
_MOST_AT_ONCE = 32


def describe_sweep_status(client: TrackingClient, parent: Run) -> str:
    """Describes a sweep's status, that of each of its trainings' runs, and how many were never started, a line each."""
    run_id, children = parent.info.run_id, list_children(client, parent)
    launcher = read_launcher(parent.data.tags)
    lines = [f"run {run_id} {parent.info.status}{f', run by process {launcher.pid}' if launcher else ''}"]
    lines += describe_wait(parent, launcher)
    width = max((len(name_child(run)) for run in children), default=0)
    lines += [f"  {name_child(run):<{width}}  {run.info.run_id}  {run.info.status}" for run in children]
    if unstarted := _count_unstarted(client, parent, children):
        lines.append(f"{unstarted} {'training was' if unstarted == 1 else 'trainings were'} not started yet")
    if is_running(parent) and launcher is None:
        host = read_other_host(parent.data.tags)
        where = "process of this machine runs it" if host is None else f"process is seen here: it ran on {host}"
        lines.append(f"no {where}; `tg-mlflow attach {run_id}` resumes it, `tg-mlflow cancel {run_id}` ends it")
    return "\n".join(lines)


def _count_unstarted(client: TrackingClient, parent: Run, children: Sequence[Run]) -> int:
    """Counts the trainings without a run; none if the plan of the sweep cannot be read, as at its very beginning."""
    try:
        with temporary_folder() as folder:
            members = read_sweep(client, parent.info.run_id, folder).members
    except RunNotOursError:
        return 0
    return len({each.name for each in members} - group_children(children).keys())


def cancel_sweep(client: TrackingClient, parent: Run) -> None:
    """Stops the jobs of a sweep's trainings and ends their runs, and the sweep's, as KILLED.

    The process that runs the sweep, if it is on this machine, does so itself, and is waited for.

    Raises:
        RunNotOursError: If that process cannot be interrupted, and would start others.
        SweepError: If a job could not be stopped; the others were.
    """
    run_id = parent.info.run_id
    if is_running(parent) and not is_deleted(parent):
        write_stop_reason(client, run_id, describe_cancel())
    if (launcher := read_launcher(parent.data.tags)) is not None:
        if launcher.signal_number is None:
            raise RunNotOursError(
                f"sweep {run_id!r} is run by a thread of process {launcher.pid}, which cannot be interrupted; "
                "stop it there"
            )
        launcher.interrupt()
        if is_deleted(parent):
            wait_until_gone(client, parent, launcher)
        else:
            parent = wait_for_launcher(client, run_id, launcher)
    children = list_children(client, parent, ViewType.ALL if is_deleted(parent) else ViewType.ACTIVE_ONLY)
    running = [run for run in children if is_running(run)]
    is_here = keeps_jobs_here(parent.data.tags)
    # At the same time: SageMaker gives each job two minutes to stop.
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        failures = list(pool.map(lambda run: _cancel(client, run, is_here), running))
    failed = [name_child(run) for run, failure in zip(running, failures, strict=True) if failure is not None]
    for run, failure in zip(running, failures, strict=True):
        if failure is not None:
            _logger.error("Training %s goes on: %s", name_child(run), describe_failure(failure))
    if failed:
        raise SweepError(f"{len(failed)} of {len(running)} trainings could not be stopped: {', '.join(failed)}")
    if is_running(parent) and not is_deleted(parent):
        client.set_terminated(run_id, _KILLED)
    _logger.info("Stopped %d trainings of sweep %s", len(running), run_id)


def _cancel(client: TrackingClient, run: Run, is_here: bool) -> TgError | None:
    try:
        if is_deleted(run):
            remove_job(client, run)
            return None
        write_stop_reason(client, run.info.run_id, describe_cancel(), is_last=False)
        if (found := find_left_job(client, run, is_here)) is not None:
            cancel_job(mask_run_secrets(client, run).with_patience(), found)
    except TgError as error:
        return error
    return None
