"""Runs jobs in containers of a local Docker daemon, or of one that is reached over SSH."""

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....errors import ContainerError, DeliveryError, JobMissingError, ResultArchiveError
from ....system.interrupts import uninterrupted
from ...delivery.image.docker_client import (
    DockerClient,
    ObjectMissingError,
    connect,
    engine_errors,
    is_local,
)
from ...delivery.image.image import Image
from ...delivery.image.removals import removing_meanwhile
from ..archive.result_archive import ResultArchive
from ..archive.safe_extraction import OWN_LIMITS, extract_archive
from ..contract.log_event import LogEvent
from ..contract.ml_folder import MlFolder
from ..executor.config import SagemakerConfig
from ..executor.executor import Executor
from ..executor.job_request import JobRequest
from ..executor.job_state import CHECKPOINTS_FACT, JobFacts, JobState, JobStatus
from ..executor.log_tail import Listener
from ..executor.place_options import PlaceOptions
from ..executor.traits import Traits
from ..executor.usage import Usage
from ..job_files.job_folder import JobFolder
from ..job_files.kept_checkpoints import find_checkpoints, find_kept_address, open_checkpoints, settle_checkpoints
from .creation import check_platform, read_labels, stop_container
from .files import fetch_failure
from .hosts import COUNT_LABEL, has_several, name_leader, note_hosts, remove_job, start_hosts
from .keeping import keep_checkpoints, keep_job
from .patience import EnginePatience
from .request import JOB_LABEL, build_container_request, round_grace
from .state import build_job_state, load_missing_log, load_state, note_cancelled, was_cancelled
from .usage import ContainerUsage


@dataclass(frozen=True)
class ContainerOptions(PlaceOptions):
    """The options of jobs in containers.

    Attributes:
        docker_host: The Docker daemon, such as ``ssh://user@host``; ``None`` for that of ``DOCKER_HOST``.
        stop_grace_seconds: How long a cancelled job may take to stop before it is killed; SageMaker gives 120 seconds.
    """

    docker_host: str | None = None
    stop_grace_seconds: float = 120


class ContainerExecutor(Executor):
    """Runs jobs in containers, with the same image and contract as on SageMaker.

    A container has the name of its job. It is removed when the results have been collected: by :meth:`execute`,
    :meth:`load_result` or :meth:`collect`. From then on, the job's folder answers all questions about the job.

    Args:
        options: The daemon, and options of all jobs.
        client: The connection to the daemon; by default made from the options.
        patience: How long the daemon may be away while a job is followed.
    """

    options: ContainerOptions

    def __init__(
        self,
        options: ContainerOptions = ContainerOptions(),
        client: DockerClient | None = None,
        patience: EnginePatience | None = None,
    ) -> None:
        self.options = options
        self.traits = Traits(is_found_anywhere=options.docker_host is not None, takes_checkpoints=True)
        self._client = client
        self._patience = patience or EnginePatience()
        self._usage = ContainerUsage()
        self._lock = threading.Lock()

    @property
    def client(self) -> DockerClient:
        """The Docker daemon; the connection is made on first use."""
        with self._lock:
            if self._client is None:
                self._client = connect(self.options.docker_host)
            return self._client

    def prepare(self, delivery: SagemakerConfig) -> None:
        delivery.containering.make_container(client=self.client)

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        with removing_meanwhile():
            self._submit(request)

    def _submit(self, request: JobRequest) -> None:
        inputs = {name: path.resolve() for name, path in request.delivery.options.local_inputs.items()}
        image = request.delivery.containering.make_container(client=self.client)
        check_platform(self.client, image)
        folder = JobFolder.create(request.job_id)
        options = request.delivery.options
        try:
            checkpoints = open_checkpoints(folder, options.checkpoints, options.start_checkpoints)
            self._start_container(request, image, inputs, checkpoints)
        except BaseException:
            with uninterrupted():
                shutil.rmtree(folder.path)
            raise

    def has_submitted(self, job_id: str) -> bool:
        # A job that could not be started has no folder any more, and a daemon that does not answer knows nothing of it.
        try:
            JobFolder.find(job_id)
        except DeliveryError:
            return False
        return True

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        folder = self._find_folder(job_id)
        if load_state(folder) is None:
            try:
                for event in self._patience.follow(
                    self.client, job_id, position, follow, lambda: not was_cancelled(folder)
                ):
                    position += len(event.data)
                    yield event
                return
            except ObjectMissingError as error:
                if load_state(folder) is None:
                    raise JobMissingError(f"the container of job {job_id!r} is gone, and its output with it") from error
                # Another process has collected the log meanwhile.
        yield from folder.read_output(position)

    def status(self, job_id: str) -> JobState:
        return self._patience.ask(job_id, lambda: self._look(job_id))

    def _look(self, job_id: str) -> JobState:
        folder = self._find_folder(job_id)
        if (kept := load_state(folder)) is not None:
            return kept
        try:
            with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be looked at"):
                container = self.client.inspect_container(job_id)
            ended_badly = container["State"]["ExitCode"] != 0 and not container["State"]["Running"]
            failure = fetch_failure(self.client, job_id) if ended_badly else None
        except ObjectMissingError:
            gone = JobState(JobStatus.FAILED, reason="its container was removed before its results were collected")
            return load_state(folder) or gone
        state = build_job_state(container, was_cancelled(folder), failure)
        return name_leader(state) if has_several(folder) else state

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        self.collect(job_id)
        return super().find_missing_log(job_id, taken_bytes) or load_missing_log(self._find_folder(job_id))

    def cancel(self, job_id: str) -> None:
        folder = self._find_folder(job_id)
        if self.status(job_id).status.is_final:
            return
        note_cancelled(folder)
        try:
            grace_seconds = round_grace(self.options.stop_grace_seconds)
            stop_container(self.client, job_id, grace_seconds, lambda name: self._signal(job_id, name))
        except KeyboardInterrupt:  # the user does not want to wait
            self.kill(job_id)
            raise
        except ObjectMissingError:
            return  # another process has collected the results meanwhile

    def kill(self, job_id: str) -> None:
        folder = self._find_folder(job_id)
        with uninterrupted():
            if self.status(job_id).status.is_final:
                return
            note_cancelled(folder)
            try:
                self._signal(job_id, "SIGKILL")
            except ObjectMissingError:
                return  # another process has collected the results meanwhile

    def collect(self, job_id: str) -> None:
        self._patience.ask(job_id, lambda: self._collect(job_id))

    def _collect(self, job_id: str) -> None:
        folder = self._find_folder(job_id)
        if load_state(folder) is not None:
            return
        state = self.status(job_id)
        if not state.status.is_final:
            raise DeliveryError(f"job {job_id!r} is {state.status.value}; wait for its end, or cancel it")
        try:
            keep_job(self.client, job_id, folder, state)
        except ObjectMissingError:
            return  # its container is gone; what another process has collected stays
        except ResultArchiveError:
            remove_job(self.client, folder)
            raise
        remove_job(self.client, folder)

    def find_remains(self, job_id: str) -> MlFolder | None:
        self.collect(job_id)
        folder = self._find_folder(job_id)
        if not folder.archive.is_file():
            return None
        remains = MlFolder(folder.ml)
        if not remains.model.exists():
            remains.root.mkdir(exist_ok=True)
            extract_archive(folder.archive, remains.model, limits=OWN_LIMITS)
        return remains

    def load_result(self, job_id: str) -> ResultArchive:
        self.collect(job_id)
        folder = self._find_folder(job_id)
        if not folder.archive.is_file():
            raise ResultArchiveError(f"job {job_id!r} has no results here: {self.status(job_id).reason}")
        return ResultArchive.open_complete(folder.archive)

    def find_checkpoints(self, job_id: str) -> str | None:
        found = find_checkpoints(job_id)
        return None if found is None else str(found)

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            self._settle_checkpoints(job_id)
            remove_job(self.client, JobFolder.of(job_id))
            JobFolder.discard(job_id)

    def _settle_checkpoints(self, job_id: str) -> None:
        try:
            folder, state = JobFolder.find(job_id), self._look(job_id)  # a daemon that is away is not waited for
            if load_state(folder) is None:
                keep_checkpoints(self.client, job_id, folder, state)
        except DeliveryError:
            return  # only its folder is left, or its container
        settle_checkpoints(job_id, state.status is JobStatus.COMPLETED)

    def usage(self, job_id: str, since_ms: int = 0) -> Sequence[Usage]:
        reading = self._usage.read(self.client, job_id)
        return () if reading is None else (reading,)

    def facts(self, job_id: str) -> JobFacts:
        """Returns the id of a job's image, as long as its container exists."""
        return self._patience.ask(job_id, lambda: self._read_facts(job_id))

    def _read_facts(self, job_id: str) -> JobFacts:
        folder, state = self._find_folder(job_id), self._look(job_id)
        facts = dict[str, str]()
        if load_state(folder) is None:
            try:
                with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be looked at"):
                    facts["image_id"] = str(self.client.inspect_container(job_id)["Image"])
            except ObjectMissingError:
                return JobFacts()
            keep_checkpoints(self.client, job_id, folder, state)
        kept = find_kept_address(job_id, state.status is JobStatus.COMPLETED) if state.status.is_final else None
        return JobFacts(facts if kept is None else {**facts, CHECKPOINTS_FACT: kept})

    def _find_folder(self, job_id: str) -> JobFolder:
        """Finds a job's folder; creates it if another machine has started the job through the same daemon."""
        try:
            return JobFolder.find(job_id)
        except JobMissingError:
            labels = read_labels(lambda: self.client, job_id) if job_id else {}
            if labels.get(JOB_LABEL) != job_id:
                raise
            folder = JobFolder.create(job_id)
            note_hosts(folder, int(labels.get(COUNT_LABEL, 1)))
            return folder

    def _start_container(
        self, request: JobRequest, image: Image, inputs: Mapping[str, Path], checkpoints: Path
    ) -> None:
        job_id, delivery, is_mounted = request.job_id, request.delivery, is_local(self.client)
        description = build_container_request(
            job_id,
            image.image_id,
            delivery.options,
            delivery.resource_name,
            inputs,
            is_mounted=is_mounted,
            stop_grace_seconds=self.options.stop_grace_seconds,
        )
        sent = {} if is_mounted else inputs
        start_hosts(self.client, job_id, description, delivery.options, inputs, sent, checkpoints)

    def _signal(self, job_id: str, name: str) -> None:
        try:
            with engine_errors(ContainerError, f"the container of job {job_id!r} cannot be sent {name}"):
                self.client.kill(job_id, signal=name)
        except ContainerError:
            if not self.status(job_id).status.is_final:  # it may have ended just now
                raise
