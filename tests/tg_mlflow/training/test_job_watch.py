"""Trouble of the launcher's is not the job's failure."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.job_output import open_recorder
from tests.memory_server import FakeClock, MemoryClient
from tests.tg_mlflow.memory_jobs import start_job
from tg.common import ContainerError, DeliveryError, JobFailedError, JobUnreachableError, ResultArchiveError
from tg.common.delivery.sagemaker import LogEvent, ResultArchive
from tg.common.delivery.sagemaker.executor import JobState, JobStatus, Traits
from tg.common.errors import JobMissingError, StorageError
from tg_mlflow.errors import LogMissingError, RecordingError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, MemoryOptions, Script
from tg_mlflow.training.job import Job
from tg_mlflow.training.job_guard import JobGuard
from tg_mlflow.training.job_watch import record_result, storing, watch_job


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient(patience_seconds=60, clock=FakeClock())


def watch(client: MemoryClient, job: Job) -> str | None:
    with (
        ExitStack() as afterwards,
        open_recorder(client, job.run_id) as recorder,
        JobGuard(client, job, recorder, afterwards).watching(),
    ):
        return watch_job(client, job, recorder, show=lambda event: None)


class Unreadable(MemoryExecutor):
    """Has jobs whose output breaks off, or whose results or state cannot be read."""

    log_error: BaseException | None = None
    result_error: BaseException | None = None
    missing_log: str | None = None

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        for event in super().logs(job_id, position, follow):
            yield event
            if self.log_error is not None:
                raise self.log_error

    def load_result(self, job_id: str) -> ResultArchive:
        if self.result_error is not None:
            raise self.result_error
        return super().load_result(job_id)

    def find_missing_log(self, job_id: str, taken_bytes: int) -> str | None:
        return self.missing_log


def make_unreadable(seconds: float = 2) -> Unreadable:
    script = Script([Line(0, "###METRIC###loss:0.5###step:3;time:12###")], seconds)
    return Unreadable(Machine(lambda request: script), MemoryOptions())


def test_a_container_that_is_started_again_is_followed_on(client: MemoryClient) -> None:
    class Restarted(MemoryExecutor):
        """Ends the output once while the job goes on, as an engine does between a container's stop and its start."""

        has_ended = False

        def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
            for event in super().logs(job_id, position, follow):
                yield event
                if not self.has_ended:
                    self.has_ended = True
                    return

    lines = [Line(0, "###METRIC###loss:0.5###"), Line(1, "###METRIC###loss:0.25###")]
    job = start_job(client, Restarted(Machine(lambda request: Script(lines, 2)), MemoryOptions()))
    assert watch(client, job) is None
    assert client.get_run(job.run_id).data.metrics == {"loss": 0.25}


@pytest.mark.parametrize(
    "error",
    [DeliveryError("access is denied"), ContainerError("no daemon"), StorageError("full"), OSError(28, "disk full")],
    ids=lambda error: type(error).__name__,
)
def test_a_job_that_cannot_be_read_goes_on(client: MemoryClient, error: Exception) -> None:
    executor = make_unreadable()
    executor.log_error = error
    job = start_job(client, executor)
    with pytest.raises(JobUnreachableError, match=rf"; job job goes on: .*`tg-mlflow attach {job.run_id}`$"):
        watch(client, job)
    assert job.status is JobStatus.RUNNING
    assert client.get_run(job.run_id).data.metrics == {"loss": 0.5}


@pytest.mark.parametrize("looks", [1, 2])
def test_a_job_whose_state_cannot_be_read_goes_on(client: MemoryClient, looks: int) -> None:
    class Denied(Unreadable):
        looks_left = looks

        def status(self, job_id: str) -> JobState:
            self.looks_left -= 1
            if self.looks_left == 0:
                raise DeliveryError("access is denied")
            return super().status(job_id)

    machine = Machine(lambda request: Script([Line(0, "one")], 2))
    executor = Denied(machine, MemoryOptions(), traits=Traits(may_queue=True, starts_at_once=True))
    job = start_job(client, executor)
    with pytest.raises(JobUnreachableError, match=r"^access is denied; job job goes on: when that is settled, run "):
        watch(client, job)
    assert job.status is (JobStatus.RUNNING if looks == 1 else JobStatus.COMPLETED)
    assert client.get_run(job.run_id).info.status == "RUNNING"


@pytest.mark.parametrize("error", [JobMissingError("gone"), JobFailedError("failed")])
def test_what_is_said_of_the_job_itself_is_its_end(client: MemoryClient, error: Exception) -> None:
    executor = make_unreadable()
    executor.log_error = error
    with pytest.raises(type(error)):
        watch(client, start_job(client, executor))


@pytest.mark.parametrize("error", [DeliveryError("access is denied"), StorageError("full"), OSError(28, "disk full")])
def test_results_that_cannot_be_read_now_are_kept(client: MemoryClient, error: Exception) -> None:
    executor = make_unreadable(0)
    executor.result_error = error
    job = start_job(client, executor)
    with pytest.raises(RecordingError, match=rf"they are kept: .*`tg-mlflow attach {job.run_id}`$"):
        record_result(client, job, None, LogConfig())
    assert executor.status("job") == JobState(JobStatus.COMPLETED, 0)


def test_results_that_are_lost_are_said_to_be(client: MemoryClient) -> None:
    executor = make_unreadable(0)
    executor.result_error = ResultArchiveError("it is damaged")
    with pytest.raises(ResultArchiveError, match="it is damaged"):
        record_result(client, start_job(client, executor), None, LogConfig())


class Breaking(MemoryExecutor):
    """Has jobs whose output ends too early the first time."""

    reads = 0

    def logs(self, job_id: str, position: int = 0, follow: bool = True) -> Iterator[LogEvent]:
        events = list(super().logs(job_id, position, follow))
        self.reads += follow
        return iter(events[:1] if follow and self.reads == 1 else events)


@pytest.mark.parametrize(
    ("repeats_logs", "metrics", "missing"),
    [(True, {"loss": 0.25}, None), (False, {"loss": 0.5}, r"\d+ of its \d+ bytes are here")],
)
def test_what_is_missing_of_a_log_is_fetched_again_where_it_comes_in_order(
    client: MemoryClient, repeats_logs: bool, metrics: dict[str, float], missing: str | None
) -> None:
    lines = [Line(0, "###METRIC###loss:0.5###"), Line(1, "###METRIC###loss:0.25###")]
    traits = Traits(repeats_logs=repeats_logs)
    job = start_job(client, Breaking(Machine(lambda request: Script(lines, 2)), MemoryOptions(), traits))
    found = watch(client, job)
    assert found is None if missing is None else re.fullmatch(missing, str(found))
    assert client.get_run(job.run_id).data.metrics == metrics


def test_what_is_missing_of_a_log_is_said(client: MemoryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = make_unreadable(0)
    executor.missing_log = "3 of its 9 bytes are here"
    job = start_job(client, executor)
    assert watch(client, job) == "3 of its 9 bytes are here"
    monkeypatch.setattr("tg_mlflow.training.job_watch.log_result", lambda *_: {})
    message = "the log of job job is not whole: 3 of its 9 bytes are here; its results are in the run"
    with pytest.raises(LogMissingError, match=f"^{message}$"):
        record_result(client, job, None, LogConfig(), executor.missing_log)
    assert client.get_run(job.run_id).data.tags["tg.missing_log"] == "3 of its 9 bytes are here"


def test_a_first_look_that_is_refused_does_not_stop_the_job(client: MemoryClient) -> None:
    class Refused(MemoryExecutor):
        looks = 0

        def status(self, job_id: str) -> JobState:
            self.looks += 1
            if self.looks == 1:
                raise DeliveryError("not permitted")
            return super().status(job_id)

    machine = Machine(lambda request: Script([], 60))
    executor = Refused(machine, MemoryOptions(), Traits(may_queue=True, starts_at_once=True))
    job = start_job(client, executor)
    with pytest.raises(JobUnreachableError, match=r"^not permitted; job job goes on: when that is settled, run `tg-ml"):
        watch(client, job)
    assert executor.status("job").status is JobStatus.RUNNING


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_disk_that_does_not_take_what_a_job_needs_is_said_in_one_line(client: MemoryClient, number: int) -> None:
    job = start_job(client, make_unreadable())
    said = r"^what job job needs cannot be stored \(\w+: \[Errno \d+\] .* or TMPDIR$"
    with pytest.raises(StorageError, match=said), storing(job):
        raise OSError(number, os.strerror(number), "/jobs/job/train.py")
    with pytest.raises(FileNotFoundError), storing(job):  # that is no matter of the disk
        raise FileNotFoundError(errno.ENOENT, "no such file")
