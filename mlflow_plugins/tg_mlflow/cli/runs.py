"""The commands of ``tg-mlflow`` that change existing runs."""

from collections.abc import Mapping

import click
from mlflow.environment_variables import MLFLOW_RUN_ID

from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.cli.project_options import verbosity_options
from tg_mlflow.cli.run_access import connect
from tg_mlflow.cli.support import exit_with, exiting_on_errors, read_config
from tg_mlflow.console import read_verbosity
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.sweeps.control import cancel_sweep
from tg_mlflow.sweeps.reconciliation import complete_runs, foresee_runs, reconcile_runs
from tg_mlflow.sweeps.resume import resume_sweep
from tg_mlflow.sweeps.runs import is_sweep
from tg_mlflow.takeover.attach import attach
from tg_mlflow.takeover.cancellation import cancel
from tg_mlflow.takeover.deleted_run import read_any_run
from tg_mlflow.takeover.tidying import tidy
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import read_run
from tg_mlflow.training.announcement import announce_end


@click.command("attach")
@click.argument("run_id", envvar=MLFLOW_RUN_ID.name)
@click.option(
    "--backend-config",
    metavar="FILE|JSON",
    help="For a sweep: keys that override those it began with, such as secrets, which are not kept.",
)
@click.option("--retry-failed", is_flag=True, help="For a sweep: train those again that have FAILED.")
@verbosity_options
def attach_command(run_id: str, backend_config: str | None, retry_failed: bool) -> None:
    """Takes over a run whose launcher is gone.

    Shows and records the job's output from its beginning, waits for its end, uploads what is missing and ends the run.
    Nothing is duplicated. Ctrl-C stops the waiting, not the job.

    A sweep is resumed: trainings that have ended are kept, those that run are recorded, and those that were KILLED or
    never started are trained, from the sweep's original package. Ctrl-C stops all, as with any sweep.
    """

    with exiting_on_errors(), terminating_as_interrupt():
        read_verbosity()  # a wrong one is refused before anything is changed
        client, run_id = connect(run_id)
        run = read_run(client, run_id)
        if not is_sweep(run):
            if backend_config is not None or retry_failed:
                raise BackendConfigError(
                    f"run {run_id!r} is not a sweep; leave out --backend-config and --retry-failed"
                )
            attach(client, run_id)
            return
        given = read_config(backend_config)
        end = resume_sweep(client, run, given, retry_failed)
        announce_end(client, run_id, end)
    if end.failure is not None:
        exit_with(end.failure.partition("\n")[0])


@click.command("cancel")
@click.argument("run_id", envvar=MLFLOW_RUN_ID.name)
def cancel_command(run_id: str) -> None:
    """Stops a run's job, or all jobs of a sweep.

    The run ends as KILLED. The process that records it, if it is on this machine, does so itself, as after Ctrl-C, and
    is waited for. Of a deleted run, it also removes what is kept of the job.
    """
    with exiting_on_errors():
        client, run_id = connect(run_id)
        run = read_any_run(client, run_id)
        if is_sweep(run):
            cancel_sweep(client, run)
        else:
            cancel(client, run_id)


@click.command()
@click.option("--dry-run", "is_dry", is_flag=True, help="Only say what would become of each run; change nothing.")
def reconcile(is_dry: bool) -> None:
    """Settles runs that were left and whose jobs have ended.

    Looks at all runs that are RUNNING or SCHEDULED, records what is missing, ends them, and prints the outcome of each.
    Runs whose launcher lives, or whose job goes on, are left alone. Runs that have FINISHED get what they still lack:
    results that were not uploaded, and the registration of their models. What launchers that were killed have left on
    this machine is removed: temporary folders, unnamed images, and what is kept of jobs that are recorded.
    """
    with exiting_on_errors():
        client = TrackingClient(patience_seconds=0)
        incomplete = complete_runs(client, is_dry)
        left = foresee_runs(client) if is_dry else reconcile_runs(client, resume_sweep)
        for run_id, outcome in {**incomplete, **left}.items():
            click.echo(f"{run_id}  {outcome}")
        verb = ("is", "are") if is_dry else ("was", "were")
        if incomplete:
            click.echo(f"{_count_runs(incomplete, verb)} FINISHED and not complete")
        click.echo(f"{_count_runs(left, verb)} RUNNING or SCHEDULED{'; nothing was changed' if is_dry else ''}")
        if not is_dry and (removed := tidy(client)):
            click.echo(f"removed what was left: {', '.join(f'{name} {count}' for name, count in removed.items())}")


def _count_runs(outcomes: Mapping[str, str], verb: tuple[str, str]) -> str:
    return f"1 run {verb[0]}" if len(outcomes) == 1 else f"{len(outcomes)} runs {verb[1]}"
