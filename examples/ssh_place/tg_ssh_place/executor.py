"""Trains on another machine that is reached over ssh."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

from tg.common import DeliveryError, JobUnreachableError, Logger, ResultArchiveError
from tg.common.delivery.sagemaker import LogEvent, ResultArchive
from tg.common.delivery.sagemaker.archive.names import COMPLETION
from tg.common.delivery.sagemaker.archive.writer import write_result_archive_from_tar
from tg.common.delivery.sagemaker.executor import (
    Executor,
    JobRequest,
    JobState,
    JobStatus,
    Listener,
    Traits,
)
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.delivery.sagemaker.job_files.missing_log import find_missing
from tg.common.errors import JobMissingError
from tg.common.system.interrupts import uninterrupted
from tg.common.system.temporary_folder import temporary_folder

from .connection import Call, ConnectionLostError
from .job_stream import ML, JobStream
from .options import SshOptions
from .retry import Retry, retrying
from .state import build_state

# A machine that has not answered yet is not waited for as one is where a job runs. But sshd refuses some of many new
# connections.
_START_RETRY_SECONDS = 10

Answer = TypeVar("Answer")


class SshExecutor(Executor):
    """Runs each job in a folder of its own on another machine, in a process that goes on when the connection ends.

    A dataset is sent once and kept there as long as a job uses it.

    Args:
        options: How the machine and its jobs are reached.
    """

    traits = Traits(is_found_anywhere=True)

    def __init__(self, options: SshOptions) -> None:
        self.options: SshOptions = options
        self._sending = threading.Lock()
        self._accepted: dict[str, bool] = {}  # whether the machine has taken a submitted job on

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        self._accepted.setdefault(request.job_id, False)
        dataset = request.delivery.options.local_dataset_path
        if request.delivery.options.channels:
            raise DeliveryError("tg-ssh takes no channels; give the data as dataset")
        with temporary_folder() as folder:
            package = request.delivery.packaging.make_package(folder)
            stream = JobStream(request.delivery, package, dataset)
            order = stream.build_order(request.job_id)
            try:
                retrying(_START_RETRY_SECONDS, lambda: self._start(request.job_id, stream, order))
            except ConnectionLostError as error:
                raise DeliveryError(
                    f"job {request.job_id!r} cannot be started, as {self.options.host} cannot be reached: {error}"
                ) from error

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        retry, is_found = Retry(self.options.retry_seconds), False
        while True:
            try:
                with Call(self.options, "follow", job_id=job_id, position=position, follow=follow) as call:
                    self._check_found(job_id, call.read_answer())
                    retry, is_found = Retry(self.options.retry_seconds), True
                    for event in read_events(call):
                        position += len(event.data)
                        yield event
                return
            except ConnectionLostError as error:
                if not retry.wait():
                    raise self._give_up(job_id, error) from error
            except JobMissingError:
                raise
            except DeliveryError as error:
                if is_found:
                    raise self._give_up(job_id, error) from error
                raise

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        return find_missing(self._check_found(job_id, self._describe(job_id))["log_bytes"], taken_bytes)

    def status(self, job_id: str) -> JobState:
        return build_state(self._check_found(job_id, self._describe(job_id)))

    def has_submitted(self, job_id: str) -> bool:
        if self._accepted.get(job_id) is False:
            return False  # without its files, it has not been started; the id may be another job's
        try:
            return super().has_submitted(job_id)
        except JobUnreachableError:
            raise
        except DeliveryError as error:
            raise JobUnreachableError(str(error)) from error

    def cancel(self, job_id: str) -> None:
        deadline = time.monotonic() + self.options.stop_grace_seconds

        def stop() -> dict[str, Any]:
            rest = max(0.0, deadline - time.monotonic())
            with Call(self.options, "stop", job_id=job_id, grace_seconds=rest) as call:
                return call.read_answer()

        try:
            self._check_found(job_id, self._reach(job_id, stop))
        except KeyboardInterrupt:  # of a user who does not want to wait
            self.kill(job_id)
            raise

    def kill(self, job_id: str) -> None:
        with uninterrupted():
            self._check_found(job_id, self._request(job_id, "stop", grace_seconds=0))

    def collect(self, job_id: str) -> None:
        """Brings the result archive here; the log stays where it is until the job is discarded."""
        state = self.status(job_id)
        if not state.status.is_final:
            raise DeliveryError(f"job {job_id!r} is {state.status.value}; wait for its end, or cancel it")
        if state.status is JobStatus.COMPLETED:
            self._fetch_archive(job_id)

    def load_result(self, job_id: str) -> ResultArchive:
        folder = JobFolder(jobs_path() / job_id)
        if not folder.archive.is_file():
            state = self.status(job_id)
            if state.status is not JobStatus.COMPLETED:
                raise ResultArchiveError(f"job {job_id!r} has no results: {state.reason or state.status.value}")
            self._fetch_archive(job_id)
        return ResultArchive.open_complete(folder.archive)

    def discard(self, job_id: str) -> None:
        with uninterrupted():
            self._request(job_id, "discard")
            JobFolder.discard(job_id)

    def _start(self, job_id: str, stream: JobStream, order: dict[str, Any]) -> None:
        """Sends a job and waits until it runs.

        Raises:
            ConnectionLostError: If the machine has not answered at all.
        """
        is_accepted = False
        try:
            # Of several jobs that need one dataset, the first one sends it.
            with ExitStack() as turn:
                turn.enter_context(self._sending)
                with Call(self.options, "submit", **order) as call:
                    needs_dataset = call.read_answer()["needs_dataset"]
                    self._accepted[job_id] = is_accepted = True
                    if not needs_dataset:
                        turn.close()
                    with suppress(BrokenPipeError):  # the answer says why
                        stream.write(call.input, needs_dataset)
                    call.read_answer()
        except ConnectionLostError as error:
            if not is_accepted:
                raise
            if not self._has_started(job_id):
                raise DeliveryError(
                    f"the connection to {self.options.host} was lost while job {job_id!r} was sent: {error}; try again"
                ) from error
        except BaseException:
            if is_accepted:
                self._undo(job_id)
            raise

    def _has_started(self, job_id: str) -> bool:
        """Finds out whether a job runs, or has run, whose start has had no answer; removes what is left otherwise."""
        answer = self._describe(job_id)
        if answer.get("stage") in ("running", "ended"):
            return True
        self._undo(job_id)
        return False

    def _undo(self, job_id: str) -> None:
        with uninterrupted():
            try:
                self._request(job_id, "stop", grace_seconds=0)
                self.discard(job_id)
            except DeliveryError as error:
                Logger.warning(f"Job {job_id!r} may be left on {self.options.host}: {error}")

    def _describe(self, job_id: str) -> dict[str, Any]:
        completion, failure = str(ML.model / COMPLETION), str(ML.failure)
        return self._request(job_id, "describe", completion=completion, failure=failure)

    def _fetch_archive(self, job_id: str) -> None:
        folder = JobFolder(jobs_path() / job_id)
        if folder.archive.is_file():
            return
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)

        def fetch() -> None:
            with Call(self.options, "fetch", job_id=job_id, path=str(ML.model), name=ML.model.name) as call:
                self._check_found(job_id, call.read_answer())
                write_result_archive_from_tar(call.read_rest(), folder.archive)

        self._reach(job_id, fetch)

    def _request(self, job_id: str, command: str, **request: Any) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            with Call(self.options, command, job_id=job_id, **request) as call:
                return call.read_answer()

        return self._reach(job_id, ask)

    def _reach(self, job_id: str, act: Callable[[], Answer]) -> Answer:
        """Does something about a job, again and again while its machine cannot be reached.

        Raises:
            JobUnreachableError: If that takes too long.
        """
        try:
            return retrying(self.options.retry_seconds, act)
        except ConnectionLostError as error:
            raise self._give_up(job_id, error) from error

    def _give_up(self, job_id: str, error: Exception) -> JobUnreachableError:
        return JobUnreachableError(
            f"job {job_id!r} goes on if it runs, but {self.options.host} cannot be reached: {error}"
        )

    def _check_found(self, job_id: str, answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("missing"):
            there = f"in {self.options.folder} on {self.options.host}"
            raise JobMissingError(f"there is no job {job_id!r} {there}; check the id, host and folder")
        return answer


def read_events(call: Call) -> Iterator[LogEvent]:
    """Reads the answer to ``follow``."""
    while (line := call.read_line()) != b"end\n":
        time_ms, size = map(int, line.split())
        yield LogEvent(call.read(size), time_ms)
