"""Trains in this process, on the thread that asks for it: the place to debug a task."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ....errors import DeliveryError
from ....ml.training_core import InMemoryTrainingEnvironment
from ....system.interrupts import uninterrupted
from ..executor.executor import JobState, JobStatus, Listener
from ..job_files.job_folder import JobFolder
from ..job_files.process_supervisor import PROCESS_NAME, describe_process, is_alive
from ..runtime.leftover_workers import ending_leftover_workers
from ..runtime.pool_start import ending_pools_that_cannot_start
from ..runtime.starting_workers import refuse_in_starting_worker
from .captured_output import capturing_output
from .folder_executor import FolderExecutor
from .job_layout import lay_out_ml_folder

_STATE_NAME = "state.json"

# One may start another.
_turn = threading.RLock()


class SagemakerAttachedExecutor(FolderExecutor):
    """Runs the task right here: breakpoints, Ctrl-C and tracebacks work as in any Python program.

    :meth:`execute` trains in memory. :meth:`submit` trains as the other places do, with a package, a log and an
    archive, and returns when the training has ended. What the task writes to stdout and stderr, in whatever way, is the
    log; it is shown as it comes. A process has one stdout, so trainings of several threads take turns.

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
            TgError: In a worker that imports the program in which this stands.
            Exception: Whatever the task raises, unchanged.
        """
        refuse_in_starting_worker()
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
            with ExitStack() as surroundings:
                for each in (
                    _turn,
                    capturing_output(folder, listener),
                    _keeping_surroundings(),
                    ending_leftover_workers(),
                    ending_pools_that_cannot_start(),
                ):
                    surroundings.enter_context(each)
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
