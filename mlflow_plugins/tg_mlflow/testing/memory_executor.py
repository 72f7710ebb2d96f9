"""An executor without processes: jobs are scripts, and time passes only when somebody waits for it.

What uses an executor can be tested with it quickly, and with any job that one can think of::

    machine = Machine(lambda request: Script([Line(1, "###METRIC###loss:0.5###")], seconds=2))
    executor = MemoryExecutor(machine)
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tg.common import DeliveryError, ResultArchiveError
from tg.common.delivery.sagemaker import LogEvent, ResultArchive
from tg.common.delivery.sagemaker.archive import write_completion_marker, write_result_archive
from tg.common.delivery.sagemaker.contract.log_event import skip_bytes
from tg.common.delivery.sagemaker.executor import (
    Executor,
    JobRequest,
    JobState,
    JobStatus,
    Listener,
    PlaceOptions,
    Traits,
)
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.errors import JobMissingError
from tg.common.system.temporary_folder import temporary_folder

_START_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Line:
    """A line of a job's output.

    Attributes:
        seconds: When it is written, counted from the job's start.
        text: The line, without its end.
    """

    seconds: float
    text: str


@dataclass(frozen=True)
class Script:
    """What a job does.

    Attributes:
        lines: Its output, in the order of time.
        seconds: When it ends, counted from its start; ``math.inf`` for a job that only ends when it is stopped.
        failure: Why it fails; ``None`` for a job that completes.
        files: What its result archive holds, by path.
        stop_seconds: How long it takes to stop when it is asked to.
    """

    lines: Sequence[Line] = ()
    seconds: float = 0
    failure: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    stop_seconds: float = 0


@dataclass(frozen=True)
class MemoryOptions(PlaceOptions):
    """The options of jobs in memory.

    Attributes:
        stop_grace_seconds: How long a job may take to stop before it is killed.
    """

    stop_grace_seconds: float = 120


class Machine:
    """Where jobs in memory are, and its clock, which somebody who waits moves on.

    Args:
        write_script: Returns the script of a new job. If it raises, the job is not started.

    Attributes:
        now: How many seconds have passed.
    """

    def __init__(self, write_script: Callable[[JobRequest], Script]) -> None:
        self.now = 0.0
        self._write_script = write_script
        self._jobs: dict[str, _Job] = {}
        self._changed = threading.Condition()

    def start(self, request: JobRequest) -> None:
        """Starts a job.

        Raises:
            DeliveryError: If there is such a job already.
        """
        script = self._write_script(request)
        with self._changed:
            if request.job_id in self._jobs:
                raise DeliveryError(f"there is a job {request.job_id!r} already; take another id")
            self._jobs[request.job_id] = _Job(script, self.now, self.now + script.seconds)

    def find(self, job_id: str) -> "_Job":
        """Finds a job.

        Raises:
            JobMissingError: If there is none.
        """
        if job_id not in self._jobs:
            raise JobMissingError(f"there is no job {job_id!r} in memory; check the id")
        return self._jobs[job_id]

    def stop(self, job: "_Job", seconds: float) -> None:
        """Makes a job end in some seconds, unless it ends before."""
        with self._changed:
            if self.now + seconds < job.end:
                job.end, job.is_stopped = self.now + seconds, True
                self._changed.notify_all()

    def wait(self, job: "_Job", time: float) -> None:
        """Lets time pass until ``time`` or the end of a job. An endless job is waited for until somebody stops it."""
        with self._changed:
            while math.isinf(min(time, job.end)):
                self._changed.wait()
            self.now = max(self.now, min(time, job.end))

    def remove(self, job_id: str) -> None:
        """Forgets a job, if there is one."""
        self._jobs.pop(job_id, None)


class MemoryExecutor(Executor):
    """Starts and follows jobs of a machine in memory.

    Args:
        machine: Where jobs are. Executors of one machine see the same jobs.
        options: What holds for all jobs.
        traits: Those of the place that this one stands for; by default, those of a machine's own processes.
    """

    def __init__(self, machine: Machine, options: MemoryOptions | None = None, traits: Traits | None = None) -> None:
        self.options: MemoryOptions = options or MemoryOptions()
        self.traits = traits or Traits(starts_at_once=True)
        self._machine = machine

    def submit(self, request: JobRequest, listener: Listener | None = None) -> None:
        self._machine.start(request)

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        return skip_bytes(self._follow(job_id, follow), position)

    def status(self, job_id: str) -> JobState:
        job = self._machine.find(job_id)
        if self._machine.now < job.end:
            return JobState(JobStatus.RUNNING)
        if job.is_stopped:
            return JobState(JobStatus.STOPPED, None, "it was stopped")
        if job.script.failure is not None:
            return JobState(JobStatus.FAILED, 1, job.script.failure)
        return JobState(JobStatus.COMPLETED, 0)

    def cancel(self, job_id: str) -> None:
        job = self._machine.find(job_id)
        self._machine.stop(job, min(job.script.stop_seconds, self.options.stop_grace_seconds))
        self._machine.wait(job, math.inf)

    def kill(self, job_id: str) -> None:
        self._machine.stop(self._machine.find(job_id), 0)

    def load_result(self, job_id: str) -> ResultArchive:
        job, state = self._machine.find(job_id), self.status(job_id)
        if state.status is not JobStatus.COMPLETED:
            raise ResultArchiveError(f"job {job_id!r} has no results: {state.reason or state.status.value}")
        kept = JobFolder(jobs_path() / job_id)
        kept.path.mkdir(parents=True, exist_ok=True)
        with temporary_folder() as folder:
            for name, content in job.script.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            write_completion_marker(folder)
            write_result_archive(folder, kept.archive)
        return ResultArchive.open_complete(kept.archive)

    def discard(self, job_id: str) -> None:
        self._machine.remove(job_id)
        JobFolder.discard(job_id)

    def _follow(self, job_id: str, follow: bool) -> Iterator[LogEvent]:
        job = self._machine.find(job_id)
        for line in job.script.lines:
            time = job.start + line.seconds
            if follow and time > self._machine.now:
                self._machine.wait(job, time)
            if time > min(self._machine.now, job.end):
                break
            yield LogEvent(f"{line.text}\n".encode(), _START_MS + round(time * 1000))
        if follow:
            self._machine.wait(job, math.inf)


@dataclass
class _Job:
    script: Script
    start: float
    end: float
    is_stopped: bool = False
