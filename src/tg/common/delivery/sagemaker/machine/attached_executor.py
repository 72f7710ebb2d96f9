"""Runs jobs in this process, on the calling thread, to debug a task."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ....errors import CommandFailedError, DeliveryError, StorageError
from ....exception_text import describe_exception
from ....ml.training_core import InMemoryTrainingEnvironment
from ....system.interrupts import uninterrupted
from ..contract.log_event import LogEvent
from ..contract.variables import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED
from ..executor.config import SagemakerConfig
from ..executor.job_request import JobRequest
from ..executor.job_state import JobState, JobStatus
from ..executor.log_tail import Listener
from ..executor.place_options import PlaceOptions
from ..executor.traits import Traits
from ..job_files.job_folder import JobFolder
from ..job_files.job_storage import keeping_jobs
from ..job_files.process_supervisor import PROCESS_NAME, describe_process, is_alive
from ..runtime.leftover_workers import ending_leftover_workers
from ..runtime.pool_start import ending_pools_that_cannot_start
from ..runtime.start_line import write_start_line
from ..runtime.starting_workers import refuse_in_starting_worker
from .captured_output import capturing_output
from .folder_executor import FolderExecutor
from .job_layout import lay_out_ml_folder
from .own_errors import raising_own_errors

_STATE_NAME = "state.json"
_CRASHED = "its process ended in the middle, as after a crash, os._exit, kill -9 or for lack of memory"

# One may start another.
_turn = threading.RLock()


@dataclass(frozen=True)
class AttachedOptions(PlaceOptions):
    """The options of jobs in this process: there are none."""


class AttachedExecutor(FolderExecutor):
    """Runs tasks in this process: breakpoints, Ctrl-C and tracebacks work as in any Python program.

    :meth:`submit` trains as other executors do, with a package, a log and an archive, and returns when the training has
    ended. Everything that the task writes to stdout and stderr is the log; it is shown as it is written. A process has
    one stdout, so trainings of several threads take turns. :meth:`train_in_memory` skips all that.

    Args:
        options: There are none to choose.
    """

    traits: Traits = Traits(is_in_process=True, starts_at_once=True, takes_checkpoints=True)

    def __init__(self, options: AttachedOptions = AttachedOptions()) -> None:
        self.options = options

    def train_in_memory(self, delivery: SagemakerConfig) -> dict[str, Any]:
        """Trains without a package and a log; creates no job.

        Returns:
            The result, as :class:`InMemoryTrainingEnvironment` describes it.

        Raises:
            DatasetError: If the dataset is missing.
            TgError: In a worker process that imports the program that calls this.
            Exception: Whatever the task raises, unchanged.
        """
        refuse_in_starting_worker()
        environment, task = InMemoryTrainingEnvironment(), delivery.job.task
        task.apply_hyperparams(delivery.options.hyperparameters)
        task.run_with_environment(delivery.options.local_dataset_path, environment)
        return environment.result

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        """Trains to the end.

        Raises:
            TgError: Whatever the task raises as such an error, of a package with its own copy of this library as ours.
            Exception: Whatever else the task raises, unchanged.
        """
        delivery = request.delivery
        inputs = delivery.options.local_inputs
        folder = JobFolder.create(request.job_id)
        try:
            with keeping_jobs():
                folder.write_json(PROCESS_NAME, describe_process(os.getpid()))
                package = delivery.packaging.make_package(folder.path)
                ml = lay_out_ml_folder(folder, inputs, delivery.options)
        except BaseException:
            with uninterrupted():
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        try:
            with ExitStack() as surroundings:
                for each in (
                    _turn,
                    capturing_output(folder, listener),
                    _keeping_surroundings(),
                    raising_own_errors(),
                    ending_leftover_workers(),
                    ending_pools_that_cannot_start(),
                ):
                    surroundings.enter_context(each)
                write_start_line(package.properties)
                delivery.job.run(ml, package.properties, package.path.read_bytes(), package.rename)
        except BaseException as error:
            with suppress(StorageError):  # what ended the training says more
                _note_end(folder, error)
            raise
        _note_end(folder)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        for event in super().logs(job_id, position, follow):
            position += len(event.data)
            yield event
        folder = JobFolder.find(job_id)
        if self.status(job_id).reason == _CRASHED and folder.log.is_file():
            folder.note_rest()
            yield from folder.read_output(position)

    def status(self, job_id: str) -> JobState:
        folder = JobFolder.find(job_id)
        state = folder.read_json(_STATE_NAME)
        if state is None:
            process = folder.read_json(PROCESS_NAME)
            if process is not None and is_alive(process):
                return JobState(JobStatus.RUNNING)
            # It may have ended just now.
            state = folder.read_json(_STATE_NAME) or {"status": "failed", "reason": _CRASHED}
        return JobState(JobStatus(state["status"]), state.get("exit_code"), state["reason"])

    def cancel(self, job_id: str) -> None:
        if not self.status(job_id).status.is_final:
            raise DeliveryError(f"job {job_id!r} runs in a process of its own; interrupt that process")


def _note_end(folder: JobFolder, error: BaseException | None = None) -> None:
    status, reason, exit_code = JobStatus.COMPLETED, None, 0
    if isinstance(error, KeyboardInterrupt):
        status, reason = JobStatus.STOPPED, "it was interrupted"
        exit_code = EXIT_TERMINATED if error.args == ("SIGTERM",) else EXIT_INTERRUPTED
    elif error is not None:
        status, reason = JobStatus.FAILED, describe_exception(error)
        exit_code = error.exit_code if isinstance(error, CommandFailedError) else EXIT_FAILED
    with uninterrupted():
        folder.write_json(_STATE_NAME, {"status": status.value, "reason": reason, "exit_code": exit_code})


@contextmanager
def _keeping_surroundings() -> Iterator[None]:
    """Restores this process's folder and variables, whatever a task does to them, as at other places."""
    folder, variables = os.getcwd(), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)
