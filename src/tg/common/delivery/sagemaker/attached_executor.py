"""Trains in this process, on the thread that asks for it: the place to debug a task."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import DeliveryError
from ...logger import Logger
from ...ml.training_core import InMemoryTrainingEnvironment
from ..delivery.interrupts import uninterrupted
from .executor import JobState, JobStatus, Listener
from .folder_executor import FolderExecutor
from .job_folder import JobFolder
from .job_layout import lay_out_ml_folder
from .log_event import LogEvent
from .process_supervisor import PROCESS_NAME, describe_process, is_alive

_STATE_NAME = "state.json"


class SagemakerAttachedExecutor(FolderExecutor):
    """Runs the task right here: breakpoints, Ctrl-C and tracebacks work as in any Python program.

    :meth:`execute` trains in memory. :meth:`submit` trains as the other places do, with a package, a log and an
    archive, and returns when the training has ended.

    Args:
        config: What is trained, on which data, in which package.
    """

    place = "attached"

    def execute(self) -> dict[str, Any]:
        """Trains in memory.

        Returns:
            The result, as :class:`InMemoryTrainingEnvironment` describes it.

        Raises:
            DatasetError: If the dataset is missing.
            Exception: Whatever the task raises, unchanged.
        """
        environment = InMemoryTrainingEnvironment()
        self.config.job.task.apply_hyperparams(self.config.options.hyperparameters)
        self.config.job.task.run_with_environment(self.config.options.local_dataset_path, environment)
        return environment.result

    def submit(self, job_id: str | None = None, listener: Listener | None = None) -> str:
        """Trains to the end and returns the job's id.

        Raises:
            Exception: Whatever the task raises, unchanged.
        """
        dataset = self.config.options.local_dataset_path
        folder = JobFolder.create(job_id or self.build_job_id())
        folder.write_json(PROCESS_NAME, describe_process(os.getpid()))
        state = JobState(JobStatus.FAILED)
        try:
            package = self.config.packaging.make_package(folder.path)
            ml = lay_out_ml_folder(folder, dataset, self.config.options.hyperparameters)
            with _keeping_surroundings(), _logging_to(folder, listener):
                self.config.job.run(ml, package.properties, package.path.read_bytes(), package.rename)
            state = JobState(JobStatus.COMPLETED, 0)
        except KeyboardInterrupt:
            state = JobState(JobStatus.STOPPED, None, "it was interrupted")
            raise
        except BaseException as error:
            state = JobState(JobStatus.FAILED, None, f"{type(error).__name__}: {error}")
            raise
        finally:
            with uninterrupted():
                folder.write_json(_STATE_NAME, {"status": state.status.value, "reason": state.reason})
        return folder.job_id

    def status(self, job_id: str) -> JobState:
        folder = JobFolder.find(job_id)
        state = folder.read_json(_STATE_NAME)
        if state is None:
            process = folder.read_json(PROCESS_NAME)
            if process is not None and is_alive(process):
                return JobState(JobStatus.RUNNING)
            # It may have ended just now.
            state = folder.read_json(_STATE_NAME) or {"status": "failed", "reason": "its process is gone"}
        status = JobStatus(state["status"])
        return JobState(status, 0 if status is JobStatus.COMPLETED else None, state["reason"])

    def cancel(self, job_id: str) -> None:
        if not self.status(job_id).status.is_final:
            raise DeliveryError(f"job {job_id!r} runs in a process of its own; interrupt that process")


class _Forwarder(logging.Handler):
    """Hands each line of the training log to a function as an event."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def emit(self, record: logging.LogRecord) -> None:
        self._listener(LogEvent(f"{self.format(record)}\n".encode(), time.time_ns() // 1_000_000))


@contextmanager
def _keeping_surroundings() -> Iterator[None]:
    """Gives this process its folder and its variables back, whatever a task does to them, as in other places."""
    folder, variables = os.getcwd(), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)


@contextmanager
def _logging_to(folder: JobFolder, listener: Listener | None) -> Iterator[None]:
    with folder.appending_output() as append:

        def take(event: LogEvent) -> None:
            append(event.data, event.time_ms)
            if listener is not None:
                listener(event)

        with Logger.also_to(_Forwarder(take)):
            yield
