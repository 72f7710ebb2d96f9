"""A training together with the executor that runs it."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..executor.config import SagemakerConfig
from ..executor.executor import Executor
from ..executor.job_state import JobFacts, JobState
from ..executor.log_tail import Listener
from ..executor.stored_dataset import StoredDataset

E = TypeVar("E", bound=Executor)


class ConfiguredExecutor(Generic[E]):
    """Runs jobs of one training. The methods do what those of :class:`Executor` do.

    Args:
        config: What is trained, and how it is delivered.
        executor: What runs it.
    """

    def __init__(self, config: SagemakerConfig, executor: E) -> None:
        self.config = config
        self.executor = executor

    def execute(self) -> Any:
        """Runs a job to its end, shows its output, and collects its results, however it ends.

        Returns:
            The job's id.

        Raises:
            JobFailedError: If it ends in any other way than completed.
            JobUnreachableError: If it goes on, but cannot be followed any more; it is not stopped.
            DeliveryError: If it cannot be started.
            TgError: In a worker process that imports the program that calls this.
        """
        request = self.executor.plan(self.config)
        self.executor.execute(request)
        return request.job_id

    def build_job_id(self) -> str:
        """Builds an id that no other job has."""
        return self.executor.build_job_id(self.config)

    def prepare(self) -> None:
        """Does the slow work that all jobs share, such as building the image."""
        self.executor.prepare(self.config)

    def submit(self, job_id: str | None = None, listener: Listener | None = None) -> str:
        """Starts a job and returns its id.

        Args:
            job_id: What :meth:`build_job_id` returned; by default a new one.
            listener: Called with the output that the job writes before this returns.
        """
        request = self.executor.plan(self.config, job_id)
        self.executor.submit(request, listener)
        return request.job_id

    def has_submitted(self, job_id: str) -> bool:
        """Returns whether this has started a job, or may have been starting it when interrupted."""
        return self.executor.has_submitted(job_id)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        """Yields a job's output as it is written."""
        return self.executor.logs(job_id, position, follow)

    def status(self, job_id: str) -> JobState:
        """Returns a job's state."""
        return self.executor.status(job_id)

    def cancel(self, job_id: str) -> None:
        """Stops a job and waits until it has ended."""
        self.executor.cancel(job_id)

    def kill(self, job_id: str) -> None:
        """Ends a job without the grace period of :meth:`cancel`."""
        self.executor.kill(job_id)

    def collect(self, job_id: str) -> None:
        """Copies the results of an ended job to this machine."""
        self.executor.collect(job_id)

    def load_result(self, job_id: str) -> ResultArchive:
        """Opens the result archive of a job that has ended; the caller closes it."""
        return self.executor.load_result(job_id)

    def discard(self, job_id: str) -> None:
        """Removes everything kept of an ended job."""
        self.executor.discard(job_id)

    def facts(self, job_id: str) -> JobFacts:
        """Returns facts about a job besides its state."""
        return self.executor.facts(job_id)

    def find_dataset(self, job_id: str) -> StoredDataset | None:
        """Finds the dataset of a job where it is stored elsewhere."""
        return self.executor.find_dataset(job_id)
