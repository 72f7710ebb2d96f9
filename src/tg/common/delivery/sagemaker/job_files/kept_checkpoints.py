"""The checkpoints of jobs on this machine: where they begin, and where they are kept when their job is gone."""

import os
import shutil
from pathlib import Path

from ....errors import DeliveryError, StorageError
from ....logger import Logger
from ..contract.ml_folder import MlFolder
from .job_folder import JobFolder
from .job_storage import jobs_path, keeping_jobs

# Says of a job that its checkpoints are kept even if it completes.
_KEPT_NAME = "checkpoints.json"


def checkpoints_path() -> Path:
    """Returns the folder of the checkpoints of jobs that are gone: beside that of all jobs, one folder for each."""
    return jobs_path().with_name(f"{jobs_path().name}-checkpoints")


def open_checkpoints(folder: JobFolder, given: "bool | Path" = False, start: Path | None = None) -> Path:
    """Makes the folder of a new job's checkpoints: one in the job's own folder, or a link to a given one.

    Args:
        folder: The job's.
        given: The folder that they are kept in, or whether they are kept even if the job completes.
        start: What is in it at first: the checkpoints that the training goes on from.

    Returns:
        Its path.

    Raises:
        DeliveryError: If a given folder has other checkpoints than those to go on from.
        StorageError: If it cannot be written to.
    """
    path = MlFolder(folder.ml).checkpoints
    with keeping_jobs():
        path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(given, Path):
        try:
            given.mkdir(parents=True, exist_ok=True)
            is_free = start is None or not any(given.iterdir())
        except OSError as error:
            raise StorageError(
                f"checkpoints cannot be kept in {str(given)!r}: {error.strerror}; name another folder"
            ) from error
        if not is_free:
            raise DeliveryError(
                f"{str(given)!r} has files already, and the training is to go on from other checkpoints; name an empty "
                "folder in checkpoints, or give true"
            )
        path.symlink_to(given, target_is_directory=True)
    else:
        path.mkdir(exist_ok=True)
        if given:
            folder.write_json(_KEPT_NAME, {})
    if start is not None:
        with keeping_jobs():
            shutil.copytree(start, path, dirs_exist_ok=True)
    return path


def are_kept(folder: JobFolder) -> bool:
    """Returns whether a job's checkpoints are kept even if it completes."""
    return (folder.path / _KEPT_NAME).is_file() or MlFolder(folder.ml).checkpoints.is_symlink()


def find_checkpoints(job_id: str) -> Path | None:
    """Finds the folder of a job's checkpoints on this machine, also of one that is gone; ``None`` if there are none."""
    if not job_id or Path(job_id).name != job_id:
        return None
    found = (MlFolder(JobFolder(jobs_path() / job_id).ml).checkpoints, checkpoints_path() / job_id)
    return next((path.resolve() for path in found if measure_files(path)), None)


def find_kept_address(job_id: str, has_completed: bool) -> str | None:
    """Finds where the checkpoints of an ended job are once its folder is gone; ``None`` if there are none then."""
    folder = JobFolder(jobs_path() / job_id)
    path, target = MlFolder(folder.ml).checkpoints, checkpoints_path() / job_id
    if not measure_files(path):
        return str(target) if measure_files(target) else None
    if path.is_symlink():
        return str(path.resolve())
    return str(target) if are_kept(folder) or not has_completed else None


def measure_files(folder: Path) -> int:
    """Measures all files in a folder, in bytes; 0 if there are none."""
    return sum(os.lstat(os.path.join(above, name)).st_size for above, _, names in os.walk(folder) for name in names)


def settle_checkpoints(job_id: str, has_completed: bool) -> None:
    """Keeps the checkpoints of an ended job whose folder is about to be removed, if they may be needed.

    They may be if the job has not completed, or was told to keep them.
    """
    folder = JobFolder(jobs_path() / job_id)
    path = MlFolder(folder.ml).checkpoints
    if path.is_symlink() or not measure_files(path) or (has_completed and not are_kept(folder)):
        return
    target = checkpoints_path() / job_id
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(target, ignore_errors=True)  # of a move that was cut short
        shutil.move(path, target)
    except OSError as error:
        Logger.warning(f"The checkpoints of job {job_id} cannot be kept in {str(target)!r}: {error}")


def remove_checkpoints(job_id: str) -> None:
    """Removes what is kept of the checkpoints of a job that is gone."""
    if job_id and Path(job_id).name == job_id:
        shutil.rmtree(checkpoints_path() / job_id, ignore_errors=True)
