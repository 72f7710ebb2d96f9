"""The interface of all that runs jobs."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....errors import JobMissingError, JobUnreachableError, StorageError
from ..archive.result_archive import ResultArchive
from ..contract.log_event import LogEvent
from ..contract.ml_folder import MlFolder
from ..contract.shown_log import without_record_lines
from ..job_files.job_folder import build_job_id
from ..options.options import SagemakerOptions
from ..runtime.starting_workers import refuse_in_starting_worker
from .config import SagemakerConfig
from .job_request import JobRequest
from .job_state import JobFacts, JobState
from .log_tail import Listener, LogTail, check_completed, write_to_stdout
from .place_options import PlaceOptions
from .stored_dataset import StoredDataset
from .traits import Traits
from .usage import Usage


class Executor(ABC):
    """Starts jobs, and follows them and those that other processes have started.

    It knows how to reach a place's jobs and nothing of what is trained: a new job's needs are in its request. One
    executor may start and follow any number of jobs, from many threads at the same time. A job's id is enough to find
    it again.

    Attributes:
        options: How the place is reached.
        traits: How its jobs behave.
    """

    traits: Traits = Traits()
    options: PlaceOptions = PlaceOptions()

    def plan(self, delivery: SagemakerConfig, job_id: str | None = None) -> JobRequest:
        """Describes a job before it exists, so that its id can be recorded first; has no effects and checks nothing.

        Args:
            delivery: What is trained, and how it is delivered.
            job_id: The job's id; by default a new one.
        """
        return JobRequest(job_id or self.build_job_id(delivery), delivery, has_new_id=job_id is None)

    def build_job_id(self, delivery: SagemakerConfig) -> str:
        """Builds an id that no other job has."""
        return build_job_id(delivery.job_title)

    def prepare(self, delivery: SagemakerConfig) -> None:
        """Does the slow work that all jobs of one package share, such as building its image.

        :meth:`submit` does it if it has not been done.

        Raises:
            DeliveryError: If it cannot be done.
        """
        return None

    def warm_up(self) -> None:
        """Begins what needs no delivery and shortens the start of many jobs, in the background; it may be left out."""
        return None

    @abstractmethod
    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        """Starts a job and returns once it has started; where jobs run in this process, once it has ended.

        Args:
            request: What :meth:`plan` returned.
            listener: Called with the output that the job writes before this returns: all of it where the job runs in
                this process, none elsewhere.

        Raises:
            DeliveryError: If it cannot be started; nothing is left running then.
        """

    def has_submitted(self, job_id: str) -> bool:
        """Returns whether this executor has started a job, or may have been starting it when interrupted.

        Raises:
            DeliveryError: If that cannot be found out.
            JobUnreachableError: If that cannot be found out now.
        """
        try:
            self.status(job_id)
        except JobMissingError:
            return False
        return True

    @abstractmethod
    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the job's output as it is written; ends when the job has ended.

        Args:
            job_id: The job.
            position: How many bytes of the output to skip, so that a reader can continue where one has stopped.
            follow: Whether to wait for more; otherwise only the present output is yielded.

        Raises:
            JobMissingError: If there is no such job, or its output is gone.
            JobUnreachableError: If it cannot be followed any more; the job goes on.
        """

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        """Says what is missing of an ended job's output, or that it is not known to be whole.

        Args:
            job_id: The job.
            taken_bytes: How many bytes of its output have been read.

        Returns:
            ``None`` if nothing is missing. A place whose output may be lost on its way compares it with what the job
            says, too.

        Raises:
            DeliveryError: If that cannot be found out.
            ResultArchiveError: If that is found out from the results, and they are lost.
        """
        rest = sum(len(event.data) for event in self.logs(job_id, taken_bytes, follow=False))
        return f"{taken_bytes:,} of its {taken_bytes + rest:,} bytes are here" if rest else None

    @abstractmethod
    def status(self, job_id: str) -> JobState:
        """Returns the job's state.

        Raises:
            JobMissingError: If there is no such job.
            DeliveryError: If that cannot be found out.
            JobUnreachableError: If that cannot be found out now.
        """

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Stops the job and waits until it has ended; does nothing if it has ended before.

        Raises:
            KeyboardInterrupt: If it is interrupted; the job is killed then.
        """

    def kill(self, job_id: str) -> None:
        """Ends the job without the grace period of :meth:`cancel`; if that cannot be skipped, does not wait."""
        self.cancel(job_id)

    def interrupt(self) -> None:
        """Makes waiting calls in other threads raise ``KeyboardInterrupt``, such as a submit that waits for a quota.

        Running jobs go on and can still be queried and stopped. Called once; it cannot be undone.
        """
        return None

    def collect(self, job_id: str) -> None:
        """Copies the results of an ended job to this machine, and frees what it occupies elsewhere; idempotent.

        Raises:
            DeliveryError: If the job has not ended.
        """
        return None

    @abstractmethod
    def load_result(self, job_id: str) -> ResultArchive:
        """Opens the result archive of a job that has ended; the caller closes it.

        Raises:
            ResultArchiveError: If there is none, or it is incomplete.
        """

    def find_remains(self, job_id: str) -> MlFolder | None:
        """Finds the folder of a job that has not completed; ``None`` if it is not on this machine."""
        return None

    def find_checkpoints(self, job_id: str) -> str | None:
        """Finds where the checkpoints of a job are, which another one may go on from; ``None`` if there are none.

        Returns:
            A folder of this machine, or the address that :meth:`fetch_checkpoints` takes.

        Raises:
            DeliveryError: If that cannot be found out.
        """
        return None

    def fetch_checkpoints(self, address: str, target: Path) -> None:
        """Copies a job's checkpoints into a folder of this machine that exists.

        Args:
            address: What :meth:`find_checkpoints` has returned.
            target: The folder.

        Raises:
            DeliveryError: If they cannot be read.
        """
        try:
            shutil.copytree(address, target, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise StorageError(f"the checkpoints in {address!r} cannot be copied: {error}") from error

    @abstractmethod
    def discard(self, job_id: str) -> None:
        """Removes everything kept of an ended job, results included; does nothing if nothing is kept.

        Checkpoints stay if the job has not completed, or was told to keep them.
        """

    def facts(self, job_id: str) -> JobFacts:
        """Returns facts about a job besides its state; there may be more when it has ended.

        Raises:
            DeliveryError: If there is no such job.
        """
        return JobFacts()

    def usage(self, job_id: str, since_ms: int = 0) -> Sequence[Usage]:
        """Reads what a job uses of its machine; nothing where the place cannot tell, or the job does not run.

        It is called every few seconds while a job runs, and once when it has ended. It must not disturb the job.

        Args:
            job_id: The job.
            since_ms: The time of the last reading that the caller has, in milliseconds since 1970.

        Returns:
            The reading of this moment, or what the place has kept since then, the oldest first.

        Raises:
            DeliveryError: If that cannot be found out; the caller goes on without it.
        """
        return ()

    def find_dataset(self, job_id: str) -> StoredDataset | None:
        """Finds the dataset of a job where it is stored elsewhere; ``None`` if it is on this machine, or there is none.

        Raises:
            DeliveryError: If that cannot be found out.
        """
        return None

    def upload_dataset(self, options: SagemakerOptions, replaces: bool = True) -> str | None:
        """Uploads a dataset to where the place's jobs read it; files with the same content are not sent again.

        Args:
            options: The dataset.
            replaces: Whether it takes the place of another one that is there.

        Returns:
            Its address; ``None`` where jobs read it on this machine.

        Raises:
            DatasetError: If there is no dataset here, or another one is there.
            DeliveryError: If it cannot be uploaded.
        """
        return None

    def execute(self, request: JobRequest) -> None:
        """Runs a job to its end, shows its output, and collects its results, however it ends.

        Raises:
            JobFailedError: If it ends in any other way than completed.
            JobUnreachableError: If it goes on, but cannot be followed any more; it is not stopped.
            DeliveryError: If it cannot be started.
            TgError: In a worker process that imports the program that calls this.
        """
        refuse_in_starting_worker()
        self.submit(request)
        job_id, tail = request.job_id, LogTail()
        try:
            for event in without_record_lines(self.logs(job_id)):
                tail.add(event)
                write_to_stdout(event)
        except JobUnreachableError:
            raise
        except BaseException:
            try:
                self.cancel(job_id)
            finally:
                self.collect(job_id)
            raise
        self.collect(job_id)
        check_completed(job_id, self.status(job_id), tail)
