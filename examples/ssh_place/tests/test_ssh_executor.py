"""What is particular to jobs over ssh: connections that are lost or refused, and what is sent over them."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from examples.ssh_place.tests.conftest import build_options
from examples.ssh_place.tests.counting_task import CountingTask
from examples.ssh_place.tests.sshd import Sshd
from tests.deliveries import build_delivery as build_delivery_of
from tests.launcher import processes_that_name, wait_until
from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobState, JobStatus
from tg_ssh_place import SshExecutor, SshOptions
from tg_ssh_place.connection import Call
from tg_ssh_place.job_stream import JobStream

BuildDelivery = Callable[..., SagemakerConfig]

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs")]


@pytest.fixture
def may_end(tmp_path: Path) -> Path:
    """The file that jobs wait for."""
    return tmp_path / "may-end"


@pytest.fixture
def build_delivery(tmp_path: Path, may_end: Path) -> BuildDelivery:
    def build(dataset: str | None = None) -> SagemakerConfig:
        return build_delivery_of(CountingTask(), tmp_path / "datasets", dataset, environment={"MAY_END": str(may_end)})

    return build


def start(executor: SshExecutor, delivery: SagemakerConfig) -> str:
    request = executor.plan(delivery)
    executor.submit(request)
    return request.job_id


def read_numbers(output: bytes) -> list[int]:
    lines = (line.partition(" INFO: ")[2] for line in output.decode().splitlines())
    return [int(line.removeprefix("number ")) for line in lines if line.startswith("number ")]


def test_a_log_goes_on_where_the_connection_was_lost(
    own_sshd: Sshd, there: Path, build_delivery: BuildDelivery, may_end: Path
) -> None:
    executor = SshExecutor(build_options(own_sshd, there))
    job_id = start(executor, build_delivery())
    output, cuts = b"", 0
    for event in executor.logs(job_id):
        output += event.data
        if cuts < 3 and b"number " in event.data:
            own_sshd.cut()
            cuts += 1
        elif cuts == 3:
            may_end.touch()
    numbers = read_numbers(output)
    assert len(numbers) >= 3
    assert numbers == list(range(len(numbers)))
    assert output == b"".join(event.data for event in executor.logs(job_id))
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)


def test_a_log_whose_keeper_has_died_with_its_job_is_not_known_to_be_whole(
    options: SshOptions, there: Path, build_delivery: BuildDelivery
) -> None:
    executor = SshExecutor(options)
    job_id = start(executor, build_delivery())
    assert next(executor.logs(job_id))
    process = json.loads((there / "jobs" / job_id / "process.json").read_text())
    os.kill(process["supervisor"]["pid"], signal.SIGKILL)
    os.killpg(process["pid"], signal.SIGKILL)
    length = sum(len(event.data) for event in executor.logs(job_id))
    missing = "the process that kept it ended with the job, and may have lost the last lines"
    assert executor.find_missing_log(job_id, length) == missing


def test_a_machine_that_stays_away_leaves_its_job_alone(
    own_sshd: Sshd, there: Path, build_delivery: BuildDelivery, may_end: Path
) -> None:
    executor = SshExecutor(replace(build_options(own_sshd, there), retry_seconds=0.5))
    job_id = start(executor, build_delivery())
    log = executor.logs(job_id)
    assert next(log)
    own_sshd.stop()
    with pytest.raises(JobUnreachableError, match=rf"job '{job_id}' goes on if it runs, but .* cannot be reached"):
        list(log)
    for act in (executor.status, executor.has_submitted, executor.cancel, executor.discard):
        with pytest.raises(JobUnreachableError, match="Connection refused"):
            act(job_id)
    own_sshd.start()
    assert executor.status(job_id) == JobState(JobStatus.RUNNING)
    may_end.touch()
    assert read_numbers(b"".join(event.data for event in executor.logs(job_id)))
    assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)


def test_a_job_that_cannot_be_started_is_no_job_that_cannot_be_followed(
    own_sshd: Sshd, there: Path, build_delivery: BuildDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_ssh_place.executor._START_RETRY_SECONDS", 0.5)
    executor = SshExecutor(build_options(own_sshd, there))
    own_sshd.stop()
    request = executor.plan(build_delivery())
    with pytest.raises(DeliveryError, match=r"cannot be started, as .*Connection refused") as caught:
        executor.submit(request)
    assert type(caught.value) is DeliveryError
    assert not executor.has_submitted(request.job_id)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identity_file": "stranger_key"}, "Permission denied"),
        ({"host": "nowhere.invalid"}, "Could not resolve hostname nowhere.invalid"),
        ({"config_file": "missing"}, "an't open user config file"),
        ({"python": "no-python"}, r"'no-python' has failed on .*not found; is python the right one\?"),
        ({"python": "false"}, r"'false' has failed on .*it has ended with exit code 1"),
    ],
)
def test_what_is_set_wrongly_is_said_in_one_line(
    session_sshd: Sshd, options: SshOptions, change: dict[str, str], message: str
) -> None:
    if "identity_file" in change:
        change = {"identity_file": str(session_sshd.stranger_key)}
    executor = SshExecutor(replace(options, **change))  # type: ignore[arg-type]
    with pytest.raises(DeliveryError, match=message) as caught:
        executor.status("job")
    assert type(caught.value) is DeliveryError
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)
    with pytest.raises(JobUnreachableError, match=message):
        executor.has_submitted("job")


def test_another_machine_in_its_place_is_refused(own_sshd: Sshd, there: Path) -> None:
    own_sshd.trust(own_sshd.stranger_key.with_suffix(".pub"))
    with pytest.raises(DeliveryError, match="REMOTE HOST IDENTIFICATION HAS CHANGED") as caught:
        SshExecutor(build_options(own_sshd, there)).status("job")
    assert "\n" not in str(caught.value)


def test_what_a_shell_says_at_its_start_is_passed_over(
    tmp_path: Path, there: Path, build_delivery: BuildDelivery, may_end: Path
) -> None:
    may_end.touch()
    noise = """ForceCommand echo hello; printf 'no line'; eval "$SSH_ORIGINAL_COMMAND" """
    with Sshd(tmp_path / "sshd", noise) as sshd:
        executor = SshExecutor(build_options(sshd, there))
        job_id = start(executor, build_delivery())
        output = b"".join(event.data for event in executor.logs(job_id))
        assert b"hello" not in output
        assert executor.status(job_id) == JobState(JobStatus.COMPLETED, 0)
        executor.collect(job_id)
        with executor.load_result(job_id) as archive:
            assert archive.list()[-1] == "completed.json"


def test_a_dataset_is_sent_once_and_removed_with_its_last_job(
    options: SshOptions, there: Path, build_delivery: BuildDelivery, tmp_path: Path, may_end: Path
) -> None:
    may_end.touch()
    folder = tmp_path / "datasets" / "project" / "data"
    (folder / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere.txt").write_text("linked")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    (folder / "deep" / "ü.txt").write_text("deep")
    executor = SshExecutor(options)
    first = start(executor, build_delivery("data"))
    (kept,) = (there / "datasets").iterdir()
    sent = (kept / "link.txt").stat()  # its time of access changes, as the first job reads it
    second = start(executor, build_delivery("data"))
    found = (kept / "link.txt").stat()
    assert (found.st_ino, found.st_mtime_ns) == (sent.st_ino, sent.st_mtime_ns)
    for job_id in (first, second):
        output = b"".join(event.data for event in executor.logs(job_id)).decode()
        assert "data: [('deep/ü.txt', 'deep'), ('link.txt', 'linked')]\n" in output
    (folder / "deep" / "ü.txt").write_text("changed")
    third = start(executor, build_delivery("data"))
    assert "('deep/ü.txt', 'changed')" in b"".join(event.data for event in executor.logs(third)).decode()
    assert len(list((there / "datasets").iterdir())) == 2
    executor.discard(first)
    assert kept.is_dir()
    executor.discard(second)
    assert not kept.exists()
    executor.discard(third)
    assert [*(there / "datasets").iterdir(), *(there / "jobs").iterdir()] == []


def test_a_job_whose_launcher_dies_before_it_is_sent_leaves_nothing(
    options: SshOptions, there: Path, build_delivery: BuildDelivery, tmp_path: Path
) -> None:
    delivery = build_delivery()
    order = JobStream(delivery, delivery.packaging.make_package(tmp_path), None).build_order("half")
    executor = SshExecutor(options)
    with Call(options, "submit", **order) as call:
        assert call.read_answer() == {"needs_dataset": False}
        assert executor.status("half") == JobState(JobStatus.QUEUED)
    wait_until(lambda: list((there / "jobs").iterdir()) == [])
    assert not executor.has_submitted("half")


def test_a_job_of_another_with_the_same_id_is_left_alone(options: SshOptions, build_delivery: BuildDelivery) -> None:
    first, second = SshExecutor(options), SshExecutor(options)
    request = first.plan(build_delivery())
    first.submit(request)
    with pytest.raises(DeliveryError, match=rf"there is a job '{request.job_id}' already; take another id"):
        second.submit(request)
    assert [each.has_submitted(request.job_id) for each in (first, second)] == [True, False]
    assert first.status(request.job_id) == JobState(JobStatus.RUNNING)
    first.kill(request.job_id)


def test_an_interrupt_while_a_job_is_sent_leaves_nothing(
    options: SshOptions, there: Path, build_delivery: BuildDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(JobStream, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        start(SshExecutor(options), build_delivery())
    assert list((there / "jobs").iterdir()) == []


def test_nothing_is_left_of_a_reader_that_stops(
    options: SshOptions, build_delivery: BuildDelivery, tmp_path: Path
) -> None:
    executor = SshExecutor(options)
    job_id = start(executor, build_delivery())
    python = tmp_path / "python-of-its-own"
    python.symlink_to(sys.executable)
    log = SshExecutor(replace(options, python=str(python))).logs(job_id)
    assert next(log)
    assert len(processes_that_name(python)) >= 2  # ssh's and that of Python
    log.close()  # type: ignore[attr-defined]
    wait_until(lambda: processes_that_name(python) == [])
    executor.kill(job_id)


@pytest.mark.parametrize("host", ["", "-oProxyCommand=true", "a b", "user@host\nx"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(DeliveryError, match="host is "):
        SshOptions(host)


def test_paths_on_the_other_machine_begin_in_the_home_there(options: SshOptions) -> None:
    with pytest.raises(DeliveryError, match=r"there is no job 'x' in ~/\.local/state/tg-mlflow/none"):
        SshExecutor(replace(options, folder="~/.local/state/tg-mlflow/none")).status("x")
    with pytest.raises(DeliveryError, match="'~/no python' has failed on"):
        SshExecutor(replace(options, python="~/no python")).status("x")
