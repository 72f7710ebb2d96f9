"""The common part of executors whose jobs run on this machine without a container."""

from collections.abc import Iterator

from ....system.interrupts import uninterrupted
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..contract.ml_folder import MlFolder
from ..executor.executor import Executor
from ..job_files.job_folder import JobFolder
from .job_layout import open_archive


class FolderExecutor(Executor):
    """An executor whose jobs each write their log and results to a folder of their own."""

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        folder = JobFolder.find(job_id)
        return folder.follow_output(position, lambda: not follow or self.status(job_id).status.is_final)

    def load_result(self, job_id: str) -> ResultArchive:
        return open_archive(JobFolder.find(job_id))

    def find_remains(self, job_id: str) -> MlFolder | None:
        return MlFolder(JobFolder.find(job_id).ml)

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            JobFolder.discard(job_id)
