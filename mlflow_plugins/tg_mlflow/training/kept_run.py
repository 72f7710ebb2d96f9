"""What a job's folder says of its run, for the time when the tracking server does not know that any more."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.errors import StorageError
from tg.common.secrets import SecretMask
from tg_mlflow.training.job import Job

_NAME = "run.json"
_PACKAGE_FOLDER = "run_package"


@dataclass(frozen=True)
class KeptRun:
    """The run of a job that has a folder here.

    Attributes:
        job_id: The job.
        run_id: The run.
        tags: The tags by which the job is found again.
    """

    job_id: str
    run_id: str
    tags: Mapping[str, str]


def keep_run(tracking_uri: str, job: Job, tags: Mapping[str, str], package: Path) -> None:
    """Puts into a job's folder which run records it, and its package.

    Jobs that do not run on this machine have such a folder, too. Where the disk refuses it, the job goes on without.

    Args:
        tracking_uri: The tracking server's.
        job: The job.
        tags: The tags by which the job is found again, without secrets.
        package: The package.
    """
    folder = JobFolder(jobs_path() / job.job_id)
    uri = SecretMask().mask(tracking_uri)
    with suppress(OSError, StorageError):
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.write_json(_NAME, {"tracking_uri": uri, "run_id": job.run_id, "tags": dict(tags)})
        (folder.path / _PACKAGE_FOLDER).mkdir()
        shutil.copy(package, folder.path / _PACKAGE_FOLDER)


def find_kept_package(job_id: str) -> Path | None:
    """Finds the package in a job's folder; ``None`` if there is none."""
    return next(iter((jobs_path() / job_id / _PACKAGE_FOLDER).glob("*")), None)


def list_kept_runs(tracking_uri: str) -> Iterator[KeptRun]:
    """Lists the runs of one tracking server whose jobs have folders here."""
    masked = SecretMask().mask(tracking_uri)
    yield from (kept for _, uri, kept in _read_folders() if uri == masked)


def list_all_kept_runs() -> Iterator[tuple[JobFolder, KeptRun]]:
    """Lists the runs of all tracking servers whose jobs have folders here, with these."""
    yield from ((folder, kept) for folder, _, kept in _read_folders())


def _read_folders() -> Iterator[tuple[JobFolder, str, KeptRun]]:
    for path in _list_folders():
        try:
            content = JobFolder(path).read_json(_NAME)
        except (OSError, StorageError, ValueError):
            continue
        if content is not None:
            kept = KeptRun(path.name, content["run_id"], content["tags"])
            yield JobFolder(path), content["tracking_uri"], kept


def _list_folders() -> list[Path]:
    try:
        return sorted(path for path in jobs_path().iterdir() if path.is_dir())
    except OSError:
        return []
