"""Removes what is kept on this machine of jobs that ended long ago, recorded or not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tg.common import TgError
from tg.common.delivery.sagemaker.executor.job_patience import asking_once
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.kept_checkpoints import checkpoints_path, remove_checkpoints
from tg.common.errors import JobMissingError
from tg_mlflow.errors import describe_failure
from tg_mlflow.takeover.deleted_run import build_kept_run
from tg_mlflow.takeover.run_job import RunJob, find_job
from tg_mlflow.training.kept_run import list_all_kept_runs


@dataclass(frozen=True)
class KeptJob:
    """What is kept of a job here.

    Attributes:
        job_id: The job.
        run_id: The run that records it.
        changed: When its folder was last written to, in seconds since 1970.
        size: The bytes of its files.
        job: The job, if it has ended; otherwise it stays.
        reason: Why it stays; empty if it can be removed.
    """

    job_id: str
    run_id: str
    changed: float
    size: int
    job: RunJob | None
    reason: str = ""

    def remove(self) -> None:
        """Removes it, with results that no run has.

        Raises:
            TgError: If that is not possible now.
        """
        if self.job is not None:
            self.job.discard()


@dataclass(frozen=True)
class KeptCheckpoints:
    """What is kept here of the checkpoints of a job that is gone.

    Attributes:
        job_id: The job.
        changed: When they were last written to, in seconds since 1970.
        size: The bytes of their files.
    """

    job_id: str
    changed: float
    size: int

    def remove(self) -> None:
        """Removes them."""
        remove_checkpoints(self.job_id)


def list_kept_jobs(changed_before: float = math.inf) -> Iterator[KeptJob]:
    """Lists the jobs of runs, of any tracking server, of which this machine keeps something.

    Args:
        changed_before: Leaves out what was written to later, in seconds since 1970, without asking its place.
    """
    for folder, kept in list_all_kept_runs():
        changed, size = _measure(folder)
        if changed > changed_before:
            continue
        try:
            job = replace(find_job(build_kept_run(kept)), job_id=kept.job_id)
            reason = "" if _has_ended(job) else "it goes on"
        except TgError as error:
            job, reason = None, describe_failure(error)
        yield KeptJob(kept.job_id, kept.run_id, changed, size, None if reason else job, reason)


def list_kept_checkpoints(changed_before: float = math.inf) -> Iterator[KeptCheckpoints]:
    """Lists the checkpoints that this machine keeps of jobs that are gone.

    Args:
        changed_before: Leaves out those that were written to later, in seconds since 1970.
    """
    above = checkpoints_path()
    for path in sorted(above.iterdir()) if above.is_dir() else ():
        changed, size = _measure(JobFolder(path))
        if changed <= changed_before and path.is_dir():
            yield KeptCheckpoints(path.name, changed, size)


def _has_ended(job: RunJob) -> bool:
    try:
        with asking_once():
            return job.status.is_final
    except JobMissingError:
        return True  # only its folder is left


def _measure(folder: JobFolder) -> tuple[float, int]:
    """Returns when a folder was last written to, and its size; what vanishes meanwhile counts nothing."""
    changed, size = 0.0, 0
    for path in [folder.path, *folder.path.rglob("*")]:
        found = _stat(path)
        if found is not None:
            changed, size = max(changed, found[0]), size + found[1]
    return changed, size


def _stat(path: Path) -> tuple[float, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime, status.st_size if path.is_file() else 0
