"""The common part of executors whose jobs run on this machine without a container."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from ....errors import DeliveryError
from ....system.interrupts import uninterrupted
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..contract.ml_folder import MlFolder
from ..executor.executor import Executor
from ..executor.job_state import CHECKPOINTS_FACT, JobFacts, JobStatus
from ..executor.traits import Traits
from ..executor.usage import Usage
from ..job_files.job_folder import JobFolder
from ..job_files.kept_checkpoints import find_checkpoints, find_kept_address, settle_checkpoints
from ..job_files.process_supervisor import PROCESS_NAME, is_alive
from .job_layout import open_archive
from .process_usage import ProcessUsage


class FolderExecutor(Executor):
    """An executor whose jobs each write their log and results to a folder of their own."""

    traits: Traits = Traits(takes_checkpoints=True)

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

    def find_checkpoints(self, job_id: str) -> str | None:
        found = find_checkpoints(job_id)
        return None if found is None else str(found)

    def facts(self, job_id: str) -> JobFacts:
        """Returns where the checkpoints of an ended job are kept."""
        state = self.status(job_id).status
        kept = find_kept_address(job_id, state is JobStatus.COMPLETED) if state.is_final else None
        return JobFacts({} if kept is None else {CHECKPOINTS_FACT: kept})

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            if find_checkpoints(job_id) is not None:
                settle_checkpoints(job_id, self._has_completed(job_id))
            JobFolder.discard(job_id)

    def _has_completed(self, job_id: str) -> bool:
        try:
            return self.status(job_id).status is JobStatus.COMPLETED
        except DeliveryError:  # only its folder is left
            return False
