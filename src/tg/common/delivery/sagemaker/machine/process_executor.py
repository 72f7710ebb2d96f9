"""Runs jobs in child processes that see only the package."""

import os
import shutil
import signal
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import DeliveryError, StorageError
from ....logger import Logger
from ....system.interrupts import uninterrupted
from ...delivery.package.run_file import build_run_file
from ..contract.ml_folder import CHANNEL
from ..contract.variables import (
    DATASET_VARIABLE,
    JOB_NAME_VARIABLE,
    ML_FOLDER_VARIABLE,
    RESOURCE_VARIABLE,
    STOP_SECONDS_VARIABLE,
    WORK_FOLDER_VARIABLE,
    describe_dataset,
)
from ..executor.config import SagemakerConfig
from ..executor.job_request import JobRequest
from ..executor.job_state import JobState, JobStatus
from ..executor.log_tail import Listener
from ..executor.place_options import PlaceOptions
from ..job_files import process_supervisor
from ..job_files.job_folder import JobFolder
from ..job_files.job_storage import keeping_jobs
from ..job_files.missing_log import find_missing
from ..options.hosts import build_host_variables
from .folder_executor import FolderExecutor
from .job_end import CANCELLED_NAME, judge_end
from .job_forks import USUAL_MODULES, JobForks, list_common_modules
from .job_layout import lay_out_ml_folder, unpack_package
from .job_start import StartedSupervisor, end_start, start_supervised, wait_for_start

# How often to poll a file that another process writes; there is no event for it.
_POLL_SECONDS = 0.05
_START_SECONDS = 30
# How long the end of a job that was stopped may take to be noted.
_NOTE_SECONDS = 30

# A container does not have these either.
_HIDDEN_PREFIXES = ("AWS_", "MLFLOW_", "PYTHON", "TG_")
_PROBE_NAME = "probe.json"


@dataclass(frozen=True)
class ProcessOptions(PlaceOptions):
    """The options of jobs in child processes.

    Attributes:
        stop_grace_seconds: How long a cancelled job may take to stop before it is killed; SageMaker gives 120 seconds.
    """

    stop_grace_seconds: float = 120


class ProcessExecutor(FolderExecutor):
    """Makes a package and runs it in a child process, with a private folder in place of ``/opt/ml``.

    A small supervisor starts the child and keeps its output and exit code: the job goes on when the submitting process
    ends. It does not see this process's modules, Python path, or variables that begin with ``AWS_``, ``MLFLOW_``,
    ``PYTHON`` or ``TG_``.

    Args:
        options: The options of all jobs.
    """

    options: ProcessOptions

    def __init__(self, options: ProcessOptions = ProcessOptions()) -> None:
        self.options = options
        self._told = set[str]()
        self._forks: JobForks | None = None

    def warm_up(self) -> None:
        """Begins to import what nearly each task on a table needs, in a process of which jobs may become forks."""
        if self._forks is None and sys.platform == "linux":
            self._fork_from(_build_common(os.environ, {}), USUAL_MODULES)

    def prepare(self, delivery: SagemakerConfig) -> None:
        """Imports what the task's code has imported here once, for jobs that are forks from then on."""
        modules = list_common_modules(list(sys.modules))
        if not modules or sys.platform != "linux" or delivery.python is not None:
            return
        variables = _build_common(os.environ, delivery.options.environment)
        if self._forks is not None and self._forks.suits(variables):
            self._forks.import_modules(modules)
        else:
            self._fork_from(variables, modules)

    def _fork_from(self, variables: Mapping[str, str], modules: Sequence[str]) -> None:
        if self._forks is not None:
            self._forks.close()
        self._forks = JobForks(variables)
        self._forks.import_modules(modules)
        weakref.finalize(self, self._forks.close)

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        delivery = request.delivery
        inputs = delivery.options.local_inputs
        folder = JobFolder.create(request.job_id)
        supervisor: StartedSupervisor | None = None
        try:
            with keeping_jobs():
                package = delivery.packaging.make_package(folder.path)
                python_path = unpack_package(package, folder.path)
                lay_out_ml_folder(folder, inputs, delivery.options)
                run_file = folder.path / "train.py"
                run_file.write_text(build_run_file(package.module_name), encoding="utf-8")
            command = self.build_command(run_file, delivery.python or Path(sys.executable))
            variables = {
                **build_environment(os.environ, delivery, folder, python_path, inputs.get(CHANNEL)),
                STOP_SECONDS_VARIABLE: str(self.options.stop_grace_seconds),
            }
            # An interrupt in the middle of the start would lose track of the process.
            with uninterrupted() as held:
                forks = None if delivery.options.distribution is not None else self._forks
                supervisor = start_supervised(folder.path, command, variables, forks)
                wait_for_start(folder, supervisor)
            held.raise_any()
        except BaseException:
            with uninterrupted():
                if supervisor is not None:
                    end_start(folder, supervisor)
                shutil.rmtree(folder.path, ignore_errors=True)
            raise

    def build_command(self, run_file: Path, python: Path) -> list[str]:
        """Returns the command of a job's process.

        Args:
            run_file: The program that it runs.
            python: The Python that the delivery asks for, or else this one.

        An executor derived from this one may run another Python, or put a program such as ``nice`` in front, which
        must replace itself by the training: signals go to the command.
        """
        return [str(python), "-u", str(run_file), "train"]

    def status(self, job_id: str) -> JobState:
        folder = JobFolder.find(job_id)
        ended = folder.read_json(process_supervisor.EXIT_NAME)
        if ended is None:
            process = folder.read_json(process_supervisor.PROCESS_NAME)
            if process is None:
                is_starting = time.time() - folder.path.stat().st_mtime < _START_SECONDS
                never = JobState(JobStatus.FAILED, None, "it was never started")
                return JobState(JobStatus.QUEUED) if is_starting else never
            if process_supervisor.keep_supervised(folder.path, process):
                if not process_supervisor.is_alive(process):
                    self._tell_of_full_disk(folder)
                return JobState(JobStatus.RUNNING)
            # It may have been recorded just now.
            ended = _wait_for_json(folder, process_supervisor.EXIT_NAME, seconds=2) or {"exit_code": None}
        return judge_end(folder, ended["exit_code"])

    def _tell_of_full_disk(self, folder: JobFolder) -> None:
        """Says once why the end of a job that has ended cannot be noted; its supervisor goes on trying."""
        try:
            folder.write_json(_PROBE_NAME, {})
        except StorageError as error:
            if folder.job_id not in self._told:
                self._told.add(folder.job_id)
                Logger.warning(f"Job {folder.job_id} has ended, and its end waits to be noted: {error}")

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        ended = JobFolder.find(job_id).read_json(process_supervisor.EXIT_NAME)
        # A job of an earlier version does not say how long its log is.
        return find_missing(None if ended is None else ended.get("log_bytes", taken_bytes), taken_bytes)

    def cancel(self, job_id: str) -> None:
        folder = JobFolder.find(job_id)
        if self.status(job_id).status.is_final:
            return
        process = folder.read_json(process_supervisor.PROCESS_NAME)
        if process is None:
            raise DeliveryError(f"job {job_id!r} was never started completely; remove {folder.path}")
        _note_cancelled(folder)
        try:
            _signal(process["pid"], signal.SIGTERM)
            self._await_end(folder, process, self.options.stop_grace_seconds)
        except KeyboardInterrupt:  # the user does not want to wait
            self.kill(job_id)
            raise

    def kill(self, job_id: str) -> None:
        folder = JobFolder.find(job_id)
        with uninterrupted():
            while (process := folder.read_json(process_supervisor.PROCESS_NAME)) is None:
                if self.status(job_id).status.is_final:
                    return
                time.sleep(_POLL_SECONDS)
            if not self.status(job_id).status.is_final:
                _note_cancelled(folder)
                self._await_end(folder, process, 0)

    def _await_end(self, folder: JobFolder, process: dict[str, Any], grace_seconds: float) -> None:
        """Waits for the end of a job that is to stop, and kills it after some time.

        Raises:
            StorageError: If it has ended, and the disk does not take its end for too long.
            DeliveryError: If its end is not noted for another reason.
        """
        begun_at = alive_at = time.monotonic()
        while not self.status(folder.job_id).status.is_final:
            now = time.monotonic()
            if process_supervisor.is_alive(process):
                alive_at = now
                if now - begun_at > grace_seconds:
                    _signal(process["pid"], signal.SIGKILL)
            elif now - alive_at > _NOTE_SECONDS:
                folder.write_json(_PROBE_NAME, {})  # raises if the disk is full
                raise DeliveryError(
                    f"job {folder.job_id!r} has ended, but its output has not: a process that it has started goes on; "
                    "end that one"
                )
            time.sleep(_POLL_SECONDS)


def build_environment(
    outer: Mapping[str, str], delivery: SagemakerConfig, folder: JobFolder, python_path: Path, dataset: Path | None
) -> dict[str, str]:
    """Builds a job's variables: those of this process without the hidden ones, the job's own, and the contract's."""
    contract = {
        JOB_NAME_VARIABLE: folder.job_id,
        RESOURCE_VARIABLE: delivery.resource_name,
        ML_FOLDER_VARIABLE: str(folder.ml),
        WORK_FOLDER_VARIABLE: str(folder.work),
        **build_host_variables(delivery.options.distribution, delivery.options.hosts, folder.hosts),
    }
    if dataset is not None:
        contract[DATASET_VARIABLE] = describe_dataset(dataset)
    return {**_build_common(outer, delivery.options.environment, python_path, delivery.python), **contract}


def _build_common(
    outer: Mapping[str, str], given: Mapping[str, str], python_path: Path = Path("/"), python: Path | None = None
) -> dict[str, str]:
    """Builds the variables that jobs of one delivery have in common, but for the place of their package."""
    # If libraries are installed outside of this Python, as on clusters, keep the path's entries for them, not
    # projects'.
    path = outer.get("PYTHONPATH", "").split(os.pathsep)
    libraries = [entry for entry in path if Path(entry).name in ("site-packages", "dist-packages")]
    own = dict[str, str]()
    if python is not None:  # which has libraries of its own, and gets what a script installs
        libraries, own = [], {"VIRTUAL_ENV": str(python.parent.parent)}
    entries = [entry for entry in given.get("PYTHONPATH", "").split(os.pathsep) if entry]
    fixed = {
        "PYTHONPATH": os.pathsep.join([str(python_path), *entries, *libraries]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    visible = {name: value for name, value in outer.items() if not name.startswith(_HIDDEN_PREFIXES)}
    return {**visible, **own, **given, **fixed}


def _wait_for_json(folder: JobFolder, name: str, seconds: float) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    while (content := folder.read_json(name)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return content


def _note_cancelled(folder: JobFolder) -> None:
    with suppress(OSError):  # a disk that is full does not keep a job from being stopped
        (folder.path / CANCELLED_NAME).touch()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        # SIGTERM is for the training itself, as in a container; SIGKILL is for everything that it has started.
        (os.killpg if number is signal.SIGKILL else os.kill)(pid, number)
    except ProcessLookupError:
        return
