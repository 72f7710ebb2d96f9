import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.common.delivery.sagemaker.machine.versatile_task import Task
from tests.deliveries import build_delivery
from tests.processes import is_alive
from tg.common import DeliveryError, JobFailedError, ResultArchiveError
from tg.common.delivery.sagemaker import (
    JobRequest,
    JobState,
    JobStatus,
    ProcessExecutor,
    SagemakerProcessExecutor,
)
from tg.common.delivery.sagemaker.job_files import process_supervisor
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.machine import process_executor
from tg.common.delivery.sagemaker.machine.process_executor import build_environment

# With which MLflow records in a job.
OF_THE_JOB = [
    "MLFLOW_ALLOW_FILE_STORE",
    "MLFLOW_DISABLE_TELEMETRY",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_TRACKING_URI",
]

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs")]


def make_executor(what: str, folder: Path, **options: Any) -> SagemakerProcessExecutor:
    return SagemakerProcessExecutor(build_delivery(Task(what), folder, **options))


def text_of(executor: SagemakerProcessExecutor, job_id: str) -> str:
    return b"".join(event.data for event in executor.logs(job_id)).decode()


def test_a_job_trains_and_brings_its_results_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executor = make_executor("train", tmp_path)
    job_id = executor.execute()
    assert "INFO: ###METRIC###loss:1.5###\n" in capsys.readouterr().out
    fresh = make_executor("train", tmp_path)
    assert fresh.status(job_id) == JobState(JobStatus.COMPLETED, 0)
    with fresh.load_result(job_id) as archive:
        model = archive.unpickle("runs/0/model.pkl")
    assert (type(model).__name__, model.size) == ("Task", 1.5)


def test_a_job_sees_the_package_and_its_own_folder_only(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data.txt").write_text("some rows")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("SEEN", "1")
    executor = make_executor("look_around", tmp_path, dataset="data.txt", environment={"SEEN_TOO": "2"})
    job_id = executor.submit()
    text = text_of(executor, job_id)
    assert f"cwd={jobs / job_id / 'work'}\n" in text
    assert "data=some rows\n" in text
    assert f"variables={[*OF_THE_JOB, 'SEEN', 'SEEN_TOO']}\n" in text
    assert "modules=False\n" in text
    assert (jobs / job_id).stat().st_mode & 0o077 == 0


def test_libraries_on_the_python_path_are_seen_and_projects_on_it_are_not(tmp_path: Path) -> None:
    folder, config = JobFolder(tmp_path / "job"), make_executor("train", tmp_path).config
    outer = {"PYTHONPATH": f"/project{os.pathsep}/cluster/lib/site-packages", "PYTHONHOME": "/x", "HOME": "/home/x"}
    assert build_environment(outer, config, folder, tmp_path / "package", None) == {
        "HOME": "/home/x",
        "PYTHONPATH": f"{tmp_path / 'package'}{os.pathsep}/cluster/lib/site-packages",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TG_ML_FOLDER": str(tmp_path / "job" / "ml"),
        "TG_WORK_FOLDER": str(tmp_path / "job" / "work"),
        "TG_RESOURCE": "job",
        "TRAINING_JOB_NAME": "job",
    }


def test_another_python_has_libraries_of_its_own_and_gets_what_is_installed(tmp_path: Path) -> None:
    delivery = replace(make_executor("train", tmp_path).config, python=Path("/environments/one/bin/python"))
    outer = {"PYTHONPATH": "/cluster/lib/site-packages", "VIRTUAL_ENV": "/launcher"}
    variables = build_environment(outer, delivery, JobFolder(tmp_path / "job"), tmp_path / "package", None)
    assert (variables["PYTHONPATH"], variables["VIRTUAL_ENV"]) == (str(tmp_path / "package"), "/environments/one")


def test_a_python_path_of_the_configuration_follows_the_package(tmp_path: Path) -> None:
    config = make_executor("train", tmp_path).config
    options = replace(config.options, environment={"PYTHONPATH": f"src{os.pathsep}/lib"})
    variables = build_environment({}, replace(config, options=options), JobFolder(tmp_path), tmp_path / "package", None)
    assert variables["PYTHONPATH"] == os.pathsep.join([str(tmp_path / "package"), "src", "/lib"])


def test_a_job_runs_with_the_python_of_its_delivery(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "another Python"\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    executor = SagemakerProcessExecutor(replace(make_executor("train", tmp_path).config, python=python))
    assert text_of(executor, executor.submit()).startswith("another Python\n")


def test_hyperparameters_reach_the_task(tmp_path: Path) -> None:
    executor = make_executor("train", tmp_path, hyperparameters={"size": "7"})
    assert "###METRIC###loss:7.0###" in text_of(executor, executor.submit())


def test_no_line_is_lost(tmp_path: Path) -> None:
    executor = make_executor("print_much", tmp_path)
    job_id = executor.submit()
    lines = [line for line in text_of(executor, job_id).splitlines() if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(100_000)]
    again = b"".join(event.data for event in executor.logs(job_id, 5000))
    assert again.decode() == text_of(executor, job_id)[5000:]


def test_a_failed_job_says_why_and_shows_the_end_of_its_log(tmp_path: Path) -> None:
    executor = make_executor("fail", tmp_path)
    with pytest.raises(JobFailedError) as caught:
        executor.execute()
    first, *rest = str(caught.value).splitlines()
    assert first.endswith("has failed: ValueError: no luck")
    assert "  | the last words" in rest
    assert len(rest) <= 50


def test_a_killed_job_has_failed(tmp_path: Path) -> None:
    executor = make_executor("die", tmp_path)
    job_id = executor.submit()
    text_of(executor, job_id)
    reason = "it was killed by SIGKILL, as the kernel does where memory is short; give it more, or let it need less"
    assert executor.status(job_id) == JobState(JobStatus.FAILED, -9, reason)
    with pytest.raises(ResultArchiveError):
        executor.load_result(job_id)


def test_a_cancelled_job_is_stopped(tmp_path: Path) -> None:
    executor = make_executor("wait", tmp_path)
    job_id = executor.submit()
    assert next(event for event in executor.logs(job_id) if b"waiting" in event.data)
    with pytest.raises(ResultArchiveError, match="has not run to its end: it has no results"):
        executor.load_result(job_id)
    executor.cancel(job_id)
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, 143, "it was stopped")
    executor.cancel(job_id)


def test_a_job_that_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    executor = make_executor("refuse_to_stop", tmp_path, stop_grace_seconds=0.2)
    job_id = executor.submit()
    child = next(int(event.data.rpartition(b"child ")[2]) for event in executor.logs(job_id) if b"child " in event.data)
    executor.cancel(job_id)
    assert executor.status(job_id) == JobState(JobStatus.STOPPED, -9, "it was stopped")
    assert not is_alive(child)


def test_what_a_job_has_left_running_ends_with_it(tmp_path: Path) -> None:
    executor = make_executor("leave_a_child", tmp_path)
    job_id = executor.submit()
    child = int(text_of(executor, job_id).partition("child ")[2].split()[0])
    assert executor.status(job_id).status is JobStatus.COMPLETED
    deadline = time.monotonic() + 10  # the system ends it a moment after it was killed
    while is_alive(child):
        assert time.monotonic() < deadline


def test_a_job_outlives_who_has_submitted_it(tmp_path: Path, jobs: Path) -> None:
    script = (
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from test_process_executor import make_executor\n"
        f"print(make_executor('train', Path({str(tmp_path)!r})).submit(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == -9, result.stderr
    executor = make_executor("train", tmp_path)
    assert "###METRIC###loss:1.5###" in text_of(executor, result.stdout.strip())
    assert executor.status(result.stdout.strip()) == JobState(JobStatus.COMPLETED, 0)


def test_an_interrupt_stops_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = make_executor("wait", tmp_path)
    job_id = executor.build_job_id()

    def interrupt() -> None:
        for event in executor.logs(job_id):
            if b"waiting" in event.data:
                signal.raise_signal(signal.SIGINT)
                return

    real_submit = executor.executor.submit

    def submit(request: JobRequest) -> None:
        real_submit(request)
        threading.Thread(target=interrupt).start()

    monkeypatch.setattr(executor.executor, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        executor.executor.execute(JobRequest(job_id, executor.config))
    assert executor.status(job_id).status is JobStatus.STOPPED


def test_what_cannot_start_leaves_nothing(tmp_path: Path, jobs: Path) -> None:
    executor = make_executor("train", tmp_path)
    executor.config.packaging.payload["job"] = lambda: None
    with pytest.raises(DeliveryError, match="job is a lambda"):
        executor.submit()
    assert list(jobs.iterdir()) == []


def test_an_executor_derived_from_it_runs_another_command(tmp_path: Path) -> None:
    class NiceExecutor(ProcessExecutor):
        def build_command(self, run_file: Path, python: Path) -> list[str]:
            return ["nice", "-n", "7", *super().build_command(run_file, python)]

    delivery = make_executor("say_how_nice_it_is", tmp_path).config
    executor = NiceExecutor()
    executor.submit(request := executor.plan(delivery))
    output = b"".join(event.data for event in executor.logs(request.job_id))
    assert f"niceness={min(os.nice(0) + 7, 19)}\n" in output.decode()
    assert executor.status(request.job_id) == JobState(JobStatus.COMPLETED, 0)


def test_an_unknown_job_is_refused(tmp_path: Path) -> None:
    executor = make_executor("train", tmp_path)
    for job_id in ("nothing", "", "..", "a/b"):
        with pytest.raises(DeliveryError, match="there is no job"):
            executor.status(job_id)
    executor.discard("nothing")


def test_an_id_is_used_once(tmp_path: Path) -> None:
    executor = make_executor("train", tmp_path)
    job_id = executor.execute()
    with pytest.raises(DeliveryError, match=r"there is a job .* already"):
        executor.submit(job_id)
    executor.discard(job_id)
    with pytest.raises(DeliveryError, match="there is no job"):
        executor.status(job_id)


@pytest.mark.parametrize("failure", ["", None])
def test_a_reason_that_its_file_could_not_hold_is_read_from_the_log(tmp_path: Path, failure: str | None) -> None:
    executor = make_executor("fail", tmp_path)
    job_id = executor.submit()
    text_of(executor, job_id)
    folder = JobFolder.find(job_id)
    path = folder.ml / "output" / "failure"
    path.unlink()
    if failure is not None:
        path.write_text(failure)
    assert executor.status(job_id).reason == "ValueError: no luck"


def test_an_end_that_a_full_disk_does_not_take_is_told_once(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = JobFolder.create("job")
    ended = {"pid": os.getpid(), "started": "another"}
    folder.write_json("process.json", {**ended, "supervisor": process_supervisor.describe_process(os.getpid())})

    def fail(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("tg.common.delivery.sagemaker.job_files.job_folder.write_json", fail)
    executor = ProcessExecutor()
    assert [executor.status("job").status for _ in range(2)] == [JobStatus.RUNNING] * 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(
        f" WARNING: Job job has ended, and its end waits to be noted: jobs cannot be kept in {str(jobs)!r}: "
        "the disk is full; free space there, or set TG_JOBS_PATH to another folder"
    )


@pytest.mark.parametrize(
    ("is_full", "said"),
    [
        (True, "jobs cannot be kept in .*: the disk is full; free space there, or set TG_JOBS_PATH to another folder"),
        (False, "job 'job' has ended, but its output has not: a process that it has started goes on; end that one"),
    ],
)
@pytest.mark.parametrize("end", [ProcessExecutor.cancel, ProcessExecutor.kill])
def test_who_stops_a_job_does_not_wait_for_ever_for_its_end_to_be_noted(
    end: Callable[[ProcessExecutor, str], None], is_full: bool, said: str, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = JobFolder.create("job")
    with subprocess.Popen(["true"]) as process:
        ended = process_supervisor.describe_process(process.pid)
    folder.write_json("process.json", {**ended, "supervisor": process_supervisor.describe_process(os.getpid())})

    def fail(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    if is_full:
        monkeypatch.setattr("tg.common.delivery.sagemaker.job_files.job_folder.write_json", fail)
    monkeypatch.setattr(process_executor, "_NOTE_SECONDS", 0.1)
    with pytest.raises(DeliveryError, match=f"^{said}$"):
        end(ProcessExecutor(), "job")


def test_an_error_of_ours_is_the_reason(tmp_path: Path) -> None:
    executor = make_executor("train", tmp_path, hyperparameters={"sise": "7"})
    with pytest.raises(JobFailedError, match=r"has failed: hyperparameter 'sise': the task \(Task\) has no 'sise'"):
        executor.execute()
