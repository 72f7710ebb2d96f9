"""The commands ``tg-mlflow images`` and ``tg-mlflow jobs``: what trainings have left on this machine."""

import time
from collections.abc import Callable
from typing import Any

import click

_DAY_SECONDS = 24 * 3600
_DAYS = 30

_older_than: Callable[..., Any] = click.option(
    "--older-than",
    "days",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    default=_DAYS,
    show_default=True,
    help="Leave what is newer.",
)
_dry_run: Callable[..., Any] = click.option("--dry-run", "is_dry", is_flag=True, help="Only say what would be removed.")


@click.group()
def images() -> None:
    """Lists and removes the images that were built for trainings.

    The next training that needs one builds it again.
    """


@images.command("list")
def list_images() -> None:
    """Lists the images, the oldest first."""
    from tg.common.delivery.delivery.image.built_images import list_built_images
    from tg.common.delivery.delivery.image.docker_client import connect
    from tg_mlflow.cli.support import exiting_on_errors

    with exiting_on_errors():
        built = list_built_images(connect())
        for each in built:
            click.echo(_format(each.name, each.size, each.created))
        if not built:
            click.echo("no image was built for a training here")


@images.command("prune")
@_older_than
@_dry_run
def prune_images(days: float, is_dry: bool) -> None:
    """Removes images that were built some time ago and that no container uses."""
    from tg.common.delivery.delivery.image.built_images import list_built_images, remove_built_image
    from tg.common.delivery.delivery.image.docker_client import connect
    from tg_mlflow.cli.support import exiting_on_errors

    with exiting_on_errors():
        client, removed, oldest_kept = connect(), 0, _find_oldest_kept(days)
        for each in list_built_images(client):
            if each.created > oldest_kept:
                continue
            if is_dry or remove_built_image(client, each):
                removed += 1
                click.echo(_format(each.name, each.size, each.created))
            else:
                click.echo(f"{each.name} stays: another image or a container needs it")
        click.echo(_summarize(removed, "image", is_dry))


@click.group()
def jobs() -> None:
    """Lists and removes what this machine keeps of jobs.

    That of a recorded job is removed when its run ends. What is left is of jobs whose results are not in their runs:
    `tg-mlflow attach` records them. Jobs that were started from a notebook without a run are not listed.
    """


@jobs.command("list")
def list_jobs() -> None:
    """Lists the jobs of which something is kept, with the runs that record them."""
    from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
    from tg_mlflow.cli.support import exiting_on_errors
    from tg_mlflow.takeover.pruning import list_kept_checkpoints, list_kept_jobs

    with exiting_on_errors():
        kept, checkpoints = list(list_kept_jobs()), list(list_kept_checkpoints())
        if not kept and not checkpoints:
            click.echo(f"nothing is kept in {jobs_path()}")
        for each in kept:
            state = f"  ({each.reason})" if each.reason else ""
            click.echo(f"{_format(each.job_id, each.size, each.changed)}  run {each.run_id}{state}")
        for found in checkpoints:
            click.echo(f"{_format(found.job_id, found.size, found.changed)}  only checkpoints")


@jobs.command("prune")
@_older_than
@_dry_run
def prune_jobs(days: float, is_dry: bool) -> None:
    """Removes what is kept of jobs that ended some time ago, with results that are in no run, and their checkpoints.

    `tg-mlflow attach` cannot record these runs any more then, nor `tg-mlflow resume` go on with them. Objects in AWS
    and folders that a configuration names stay.
    """
    from tg.common import TgError
    from tg_mlflow.cli.support import exiting_on_errors
    from tg_mlflow.errors import describe_failure
    from tg_mlflow.takeover.pruning import list_kept_checkpoints, list_kept_jobs

    removed = 0
    with exiting_on_errors():
        for each in list_kept_jobs(_find_oldest_kept(days)):
            reason = each.reason
            if not reason and not is_dry:
                try:
                    each.remove()
                except TgError as error:
                    reason = describe_failure(error)
            if reason:
                click.echo(f"{each.job_id} stays: {reason}")
                continue
            removed += 1
            click.echo(f"{_format(each.job_id, each.size, each.changed)}  run {each.run_id}")
        checkpoints = list(list_kept_checkpoints(_find_oldest_kept(days)))
        for found in checkpoints:
            if not is_dry:
                found.remove()
            click.echo(f"{_format(found.job_id, found.size, found.changed)}  only checkpoints")
        click.echo(_summarize(removed, "job", is_dry))
        if checkpoints:
            click.echo(_summarize(len(checkpoints), "folder of checkpoints", is_dry, "folders of checkpoints"))


def _find_oldest_kept(days: float) -> float:
    return time.time() - days * _DAY_SECONDS


def _format(name: str, size: int, moment: float) -> str:
    days = max(0, int((time.time() - moment) / _DAY_SECONDS))
    return f"{name}  {size / 1e6:,.0f} MB  {days} {'day' if days == 1 else 'days'} old"


def _summarize(count: int, noun: str, is_dry: bool, plural: str | None = None) -> str:
    verb = "would be removed" if is_dry else "removed"
    return f"{count} {noun if count == 1 else plural or f'{noun}s'} {verb}"
