"""Removes what launchers that were killed have left on this machine and nobody needs."""

from dataclasses import replace

from tg.common import DeliveryError, TgError
from tg.common.delivery.delivery.image.docker_client import connect
from tg.common.delivery.delivery.image.left_images import remove_left_images
from tg.common.delivery.delivery.package.bytecode import remove_old_modules
from tg.common.delivery.sagemaker.executor.job_patience import asking_once
from tg.common.errors import JobMissingError
from tg.common.system.temporary_folder import remove_left_folders
from tg_mlflow.takeover.deleted_run import build_kept_run
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import find_launcher
from tg_mlflow.tracking.launcher_file import find_crashes, forget_crash
from tg_mlflow.tracking.search import find_run, is_complete, is_deleted, is_running
from tg_mlflow.training.kept_run import KeptRun, list_kept_runs


def tidy(client: TrackingClient) -> dict[str, int]:
    """Removes temporary folders, unnamed images, modules compiled long ago, and what is kept of recorded jobs.

    A job is recorded if its run is complete, or deleted for good.

    What a living process may need stays, and so does all of other programs.

    Args:
        client: The tracking server's: what is kept of jobs that are recorded by others is left alone.

    Returns:
        How many things of each kind were removed, by what they are.
    """
    jobs = sum(_remove_job(client, kept) for kept in list(list_kept_runs(client.tracking_uri)))
    for crash in find_crashes(client.tracking_uri):
        run = find_run(client, crash.run_id)
        if run is None or not is_running(run):
            forget_crash(crash.run_id)
    removed = {"temporary folders": remove_left_folders(), "unnamed images": _remove_images(), "recorded jobs": jobs}
    removed["compiled modules"] = remove_old_modules()
    return {name: count for name, count in removed.items() if count}


def _remove_job(client: TrackingClient, kept: KeptRun) -> bool:
    """Removes what is kept of a job that has ended and is recorded; returns whether it was removed."""
    try:
        run = find_run(client, kept.run_id)
        if run is None:
            run = build_kept_run(kept)
        elif is_deleted(run) or not is_complete(run) or find_launcher(client, run) is not None:
            return False  # what is deleted may be restored
        job = replace(find_job(run), job_id=kept.job_id)
        try:
            with asking_once():
                if not job.status.is_final:
                    return False
        except JobMissingError:
            pass  # only its folder is left
        job.discard()
    except TgError:
        return False
    return True


def _remove_images() -> int:
    try:
        return remove_left_images(connect())
    except DeliveryError:
        return 0  # there is no Docker here
