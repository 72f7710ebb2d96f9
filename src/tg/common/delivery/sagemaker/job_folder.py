"""What this machine keeps of the jobs that it has run: logs, states, results."""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ...errors import DeliveryError


@dataclass(frozen=True)
class JobFolder:
    """The files of one job.

    Attributes:
        path: The folder; only its owner can read it.
    """

    path: Path

    @property
    def job_id(self) -> str:
        """The job's id, which is the folder's name."""
        return self.path.name

    @property
    def ml(self) -> Path:
        """What the job sees as ``/opt/ml``, where it runs on this machine without a container."""
        return self.path / "ml"

    @property
    def log(self) -> Path:
        """The job's output."""
        return self.path / "train.log"

    @property
    def archive(self) -> Path:
        """The job's result archive, once it has been brought here."""
        return self.path / "model.tar.gz"

    @staticmethod
    def create(job_id: str) -> "JobFolder":
        """Makes the folder of a new job."""
        folder = JobFolder(jobs_path() / job_id)
        folder.path.mkdir(parents=True, mode=0o700)
        return folder

    @staticmethod
    def find(job_id: str) -> "JobFolder":
        """Finds the folder of a job.

        Raises:
            DeliveryError: If there is none.
        """
        folder = JobFolder(jobs_path() / job_id)
        if Path(job_id).name != job_id or not folder.path.is_dir():
            raise DeliveryError(
                f"there is no job {job_id!r} in {str(jobs_path())!r}; check the id, or set TG_JOBS_PATH"
            )
        return folder


def jobs_path() -> Path:
    """The folder of all jobs: ``TG_JOBS_PATH``, by default ``tg-mlflow/jobs`` in the user's folder for state."""
    if override := os.environ.get("TG_JOBS_PATH"):
        return Path(override).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "tg-mlflow" / "jobs"


def build_job_id(name: str) -> str:
    """Makes a new job's id of at most 63 letters, digits and hyphens: name, time (UTC), a part of its own."""
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d-%H-%M-%S")
    unique = f"{moment}-{secrets.token_hex(4)}"
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[: 63 - len(unique) - 1].strip("-") or "job"
    return f"{stem}-{unique}"
