"""What this machine keeps of its jobs: logs, states, results."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import DeliveryError, JobMissingError
from ..contract.log_event import LogEvent
from ..naming.job_name import format_job_name
from .job_storage import VARIABLE, jobs_path, keeping_jobs, reading_jobs
from .process_supervisor import LOG_NAME, TIMES_NAME, write_json

_CHUNK_BYTES = 1 << 20
# How often to poll a file that another process writes; there is no event for it.
_POLL_SECONDS = 0.05


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
        """The job's ``/opt/ml``, if it runs on this machine without a container."""
        return self.path / "ml"

    @property
    def hosts(self) -> Path:
        """The folders of further hosts that are processes here."""
        return self.path / "hosts"

    @property
    def work(self) -> Path:
        """The job's current folder, if it runs in a process of its own."""
        return self.path / "work"

    @property
    def log(self) -> Path:
        """The job's output."""
        return self.path / LOG_NAME

    @property
    def times(self) -> Path:
        """When each part of the output was written, in the format of :func:`_append_output`."""
        return self.path / TIMES_NAME

    @property
    def archive(self) -> Path:
        """The job's result archive, once it has been fetched."""
        return self.path / "model.tar.gz"

    @staticmethod
    def create(job_id: str) -> "JobFolder":
        """Creates the folder of a new job.

        Raises:
            DeliveryError: If there is such a job already.
            StorageError: If nothing can be written there.
        """
        folder = JobFolder(jobs_path() / job_id)
        with keeping_jobs():
            folder.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                folder.path.mkdir(mode=0o700)
            except FileExistsError as error:
                raise DeliveryError(f"there is a job {job_id!r} already; take another id") from error
            except OSError:
                with suppress(OSError):
                    folder.path.rmdir()  # it may be there all the same, and would look like a job
                raise
        return folder

    @staticmethod
    def find(job_id: str) -> "JobFolder":
        """Finds the folder of a job.

        Raises:
            JobMissingError: If there is none.
        """
        folder = JobFolder(jobs_path() / job_id)
        if not job_id or Path(job_id).name != job_id or not folder.path.is_dir():
            raise JobMissingError(f"there is no job {job_id!r} in {jobs_path()}; check the id, or set {VARIABLE}")
        return folder

    @staticmethod
    def of(job_id: str) -> "JobFolder":
        """Returns the folder that a job has, or would have."""
        return JobFolder(jobs_path() / job_id)

    @staticmethod
    def discard(job_id: str) -> None:
        """Removes the folder of a job, if there is one."""
        if job_id and Path(job_id).name == job_id:
            shutil.rmtree(jobs_path() / job_id, ignore_errors=True)

    @contextmanager
    def appending_output(self) -> Iterator[Any]:
        """Opens the log for writing: yields a function of the bytes and their time in milliseconds."""
        with self.log.open("ab") as log, self.times.open("ab") as times:
            yield lambda data, time_ms: _append_output(log, times, data, time_ms)

    def read_output(self, position: int = 0) -> Iterator[LogEvent]:
        """Yields the log's present content from a position on; a later call can continue where one ended.

        Args:
            position: How many bytes of the log to pass over.

        Raises:
            StorageError: If it cannot be read now.
        """
        if not self.times.is_file():
            return
        with reading_jobs(), self.log.open("rb") as log, self.times.open("rb") as times:
            log.seek(position)
            for line in times:
                if not line.endswith(b"\n"):
                    return  # it is being written
                time_ms, end = map(int, line.split())
                while log.tell() < end:
                    yield LogEvent(log.read(min(_CHUNK_BYTES, end - log.tell())), time_ms)

    def follow_output(self, position: int, has_ended: Callable[[], bool]) -> Iterator[LogEvent]:
        """Yields the log from a position on, as it is written, until the job has ended and all is read.

        Args:
            position: How many bytes of the log to pass over.
            has_ended: Returns whether the job has ended; nothing is written after that.
        """
        while True:
            is_last = has_ended()
            for event in self.read_output(position):
                position += len(event.data)
                yield event
            if is_last:
                return
            time.sleep(_POLL_SECONDS)

    def note_rest(self) -> None:
        """Notes in the times what the log holds beyond them, once whoever kept them is gone."""
        with self.log.open("rb") as log, self.times.open("ab") as times:
            times.write(b"%d %d\n" % (int(self.log.stat().st_mtime * 1000), log.seek(0, os.SEEK_END)))

    def write_json(self, name: str, content: object) -> None:
        """Writes one of the job's small files atomically.

        Raises:
            StorageError: If it cannot be written.
        """
        with keeping_jobs():
            write_json(self.path / name, content)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Reads one of the job's small files; ``None`` if it does not exist.

        Raises:
            StorageError: If it cannot be read now.
        """
        try:
            with reading_jobs():
                content: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return content


def build_job_id(name: str) -> str:
    """Builds a new job's id of at most 63 letters, digits and hyphens: name, time (UTC), a unique part."""
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d-%H-%M-%S")
    return format_job_name(name, f"{moment}-{secrets.token_hex(4)}")


def _append_output(log: BinaryIO, times: BinaryIO, data: bytes, time_ms: int) -> None:
    """Appends to a log, and to its times a line ``<milliseconds since 1970> <length of the log>``."""
    log.write(data)
    log.flush()
    times.write(b"%d %d\n" % (time_ms, log.tell()))
    times.flush()
