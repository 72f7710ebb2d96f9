"""The folder on the other machine in which jobs and datasets are kept.

::

    jobs/<job id>/             the job's files, as process_supervisor.py and the launcher know them
    datasets/<digest>/         datasets, each sent once and removed with the last job that uses it
    lock                       held while jobs or datasets come and go
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process, write_json

STARTER_NAME = "starter.json"
_INCOMING_NAME = "incoming"


class RefusedError(Exception):
    """A request cannot be carried out; the message says why."""


class Store:
    """The folder with all jobs.

    Args:
        folder: Its path; ``~`` and a relative one lead to the user's home.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path.home() / Path(folder).expanduser()
        self._jobs = self._path / "jobs"
        self._datasets = self._path / "datasets"

    def find(self, job_id: str) -> Path | None:
        """Finds a job's folder; ``None`` if there is none."""
        path = self._jobs / job_id
        return path if job_id and Path(job_id).name == job_id and path.is_dir() else None

    def create(self, job_id: str, digest: str | None, channel: str) -> tuple[Path, bool]:
        """Makes a job's folder, which is never seen without a note of the process that starts the job.

        Args:
            job_id: The job's id.
            digest: What tells its dataset from others; ``None`` if there is none.
            channel: Where in the folder a link leads to the dataset.

        Returns:
            The folder, and whether its dataset is missing.

        Raises:
            RefusedError: If there is such a job already.
        """
        for path in (self._jobs, self._datasets):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        job, new = self._jobs / job_id, self._jobs / f".{job_id}"
        with self._locked():
            if job.exists():
                raise RefusedError(f"there is a job {job_id!r} already; take another id")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            write_json(new / STARTER_NAME, describe_process(os.getpid()))
            if digest is not None:
                (new / channel).parent.mkdir(parents=True)
                (new / channel).symlink_to(self._datasets / digest, target_is_directory=True)
            new.rename(job)
            return job, digest is not None and not (self._datasets / digest).is_dir()

    def incoming(self, job: Path) -> Path:
        """Returns where a job's dataset is, in its folder, as long as it is not there completely."""
        return job / _INCOMING_NAME

    def add_dataset(self, job: Path, digest: str) -> None:
        """Keeps the dataset that has come with a job, unless another process has sent it meanwhile."""
        with self._locked():
            if (self._datasets / digest).is_dir():
                shutil.rmtree(self.incoming(job))
            else:
                self.incoming(job).rename(self._datasets / digest)

    def remove(self, job: Path) -> None:
        """Removes a job, and the datasets that no other one uses."""
        with self._locked():
            shutil.rmtree(job, ignore_errors=True)
            links = [link for each in self._jobs.iterdir() for link in (each / "ml" / "input" / "data").glob("*")]
            used = {os.readlink(link) for link in links if link.is_symlink()}
            for dataset in self._datasets.iterdir():
                if str(dataset) not in used:
                    shutil.rmtree(dataset, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._path / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
