"""The common part of executors whose jobs run on this machine without a container."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from ....system.interrupts import uninterrupted
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..contract.ml_folder import MlFolder
from ..executor.executor import Executor
from ..executor.usage import Usage
from ..job_files.job_folder import JobFolder
from ..job_files.process_supervisor import PROCESS_NAME, is_alive
from .job_layout import open_archive
from .process_usage import ProcessUsage


class FolderExecutor(Executor):
    """An executor whose jobs each write their log and results to a folder of their own."""

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        folder = JobFolder.find(job_id)
        return folder.follow_output(position, lambda: not follow or self.status(job_id).status.is_final)

    @cached_property
    def _usage(self) -> ProcessUsage:
        return ProcessUsage()

    def usage(self, job_id: str, since_ms: int = 0) -> Sequence[Usage]:
        """Reads what the job's processes use now. Linux does not tell what of the network is theirs."""
        folder = JobFolder.find(job_id)
        process = folder.read_json(PROCESS_NAME)
        if process is None or not is_alive(process):
            return ()
        reading = self._usage.read(job_id, process["pid"], folder.path)
        return () if reading is None else (reading,)

    def load_result(self, job_id: str) -> ResultArchive:
        return open_archive(JobFolder.find(job_id))

    def find_remains(self, job_id: str) -> MlFolder | None:
        return MlFolder(JobFolder.find(job_id).ml)

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            JobFolder.discard(job_id)
