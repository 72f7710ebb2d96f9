"""What the places have in common that run jobs on this machine without a container."""

from collections.abc import Iterator

from ....system.interrupts import uninterrupted
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..executor.config import SagemakerConfig
from ..executor.executor import SagemakerExecutor
from ..job_files.job_folder import JobFolder, build_job_id
from .job_layout import open_archive


class FolderExecutor(SagemakerExecutor):
    """A place whose jobs write all that they say and make into a folder of their own.

    Args:
        config: What is trained, on which data, in which package.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        self.config = config

    def build_job_id(self) -> str:
        return build_job_id(self.config.job_title)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        folder = JobFolder.find(job_id)
        return folder.follow_output(position, lambda: not follow or self.status(job_id).status.is_final)

    def load_result(self, job_id: str) -> ResultArchive:
        return open_archive(JobFolder.find(job_id))

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            JobFolder.discard(job_id)
