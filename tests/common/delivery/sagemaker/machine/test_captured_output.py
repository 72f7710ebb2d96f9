"""What a training in this process writes: recorded whole, shown at once, and apart from what its launcher says."""

# ruff: noqa: T201 - what is printed is what this is about

import contextlib
import ctypes
import io
import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.deliveries import build_delivery
from tg.common import Logger
from tg.common.delivery.sagemaker import (
    LogEvent,
    SagemakerAttachedExecutor,
    SagemakerProcessExecutor,
)
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.machine.captured_output import capturing_output
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

pytestmark = pytest.mark.usefixtures("jobs")


class Talkative(AbstractTrainingTask):
    """Writes in each way that there is, between two lines of its own."""

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        c = ctypes.CDLL(None)
        print("<begin>")
        print("###METRIC###printed:0.5###step:3###")
        print("a part ", end="")
        sys.stderr.write("and the rest \udcff\n")
        sys.stdout.buffer.write(b"no text: \xff\xfe\r")
        os.write(1, b"descriptor 1\n")
        os.write(2, b"descriptor 2\n")
        subprocess.run(["sh", "-c", "echo child; echo its error >&2"])
        c.puts(b"C")
        c.fflush(None)
        thread = threading.Thread(target=print, args=("thread \u20ac",))
        thread.start()
        thread.join()
        print("Python's own", file=sys.__stderr__, flush=True)
        print("<end>")


@pytest.fixture
def folder(jobs: Path) -> JobFolder:
    return JobFolder.create("job")


def read_log(folder: JobFolder) -> bytes:
    return b"".join(event.data for event in folder.read_output())


@pytest.mark.starts_process
def test_the_log_is_to_the_byte_that_of_a_process(tmp_path: Path) -> None:
    logs = []
    for make_executor in (SagemakerAttachedExecutor, SagemakerProcessExecutor):
        executor = make_executor(build_delivery(Talkative(), tmp_path))
        log = b"".join(event.data for event in executor.logs(executor.submit()))
        logs.append(log.partition(b"<begin>\n")[2].partition(b"<end>\n")[0])
    assert logs[0] == logs[1]
    assert logs[0] == (
        b"###METRIC###printed:0.5###step:3###\na part and the rest \\udcff\nno text: \xff\xfe\rdescriptor 1\n"
        b"descriptor 2\nchild\nits error\nC\nthread \xe2\x82\xac\nPython's own\n"
    )


def test_it_is_shown_where_stdout_leads(folder: JobFolder, capsys: pytest.CaptureFixture[str]) -> None:
    print("before")
    with capturing_output(folder, None):
        print("from Python \u20ac")
        os.write(2, b"from elsewhere\n")
    print("after")
    assert read_log(folder) == "from Python \u20ac\nfrom elsewhere\n".encode()
    assert capsys.readouterr() == ("before\nfrom Python \u20ac\nfrom elsewhere\nafter\n", "")


def test_what_the_listener_returns_is_shown(folder: JobFolder, capsys: pytest.CaptureFixture[str]) -> None:
    def mask(event: LogEvent) -> LogEvent:
        return replace(event, data=event.data.replace(b"s3cret", b"***"))

    with capturing_output(folder, mask):
        print("it is s3cret")
    assert capsys.readouterr().out == "it is ***\n"


def test_the_listener_hears_while_it_is_written(folder: JobFolder) -> None:
    heard = threading.Event()
    with capturing_output(folder, lambda event: heard.set()):
        print("a part of a line", end="")
        assert heard.wait(10)


def test_what_the_listener_raises_is_raised_at_the_end(folder: JobFolder) -> None:
    def fail(event: LogEvent) -> None:
        raise LookupError(event.data.decode())

    with pytest.raises(LookupError, match="one"), capturing_output(folder, fail):
        print("one")
    assert read_log(folder) == b"one\n"


def test_the_launchers_threads_are_shown_and_not_recorded(
    folder: JobFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    go, has_spoken = threading.Event(), threading.Event()
    logger = logging.getLogger("a launcher's")
    handler = logging.StreamHandler()
    logger.addHandler(handler)

    def launch() -> None:
        go.wait(10)
        child = threading.Thread(target=logger.warning, args=("launcher's child",))
        child.start()
        child.join()
        print("launcher")
        Logger.info("launcher's line")
        has_spoken.set()

    thread = threading.Thread(target=launch)
    thread.start()
    with capturing_output(folder, lambda event: print("listener", file=sys.stderr)):
        go.set()
        assert has_spoken.wait(10)
        logger.warning("training")
    thread.join()
    logger.removeHandler(handler)
    assert read_log(folder) == b"training\n"
    shown = capsys.readouterr()
    assert [line.rpartition(" INFO: ")[2] for line in shown.out.splitlines()] == [
        "launcher",
        "launcher's line",
        "training",
    ]
    assert shown.err == "launcher's child\nlistener\n"


def test_metrics_are_recorded_wherever_stdout_is_led_to(folder: JobFolder) -> None:
    with capturing_output(folder, None):
        stdout = sys.stdout
        sys.stdout = io.StringIO()
        Logger.info("one")
        stdout.close()
        Logger.info("two")
    assert [line.partition(b" INFO: ")[2] for line in read_log(folder).splitlines()] == [b"one", b"two"]


def test_a_training_within_a_training_is_in_both_logs_once(folder: JobFolder) -> None:
    inner = JobFolder.create("inner")
    with capturing_output(folder, None), capturing_output(inner, None):
        Logger.info("one")
        print("two")
    for each in (folder, inner):
        assert [line.rpartition(b" INFO: ")[2] for line in read_log(each).splitlines()] == [b"one", b"two"]


def test_everything_is_as_before_afterwards(folder: JobFolder) -> None:
    def look() -> list[object]:
        descriptors = [(os.fstat(number).st_dev, os.fstat(number).st_ino) for number in (1, 2)]
        handlers = list(logging.getLogger(Logger.name).handlers)
        return [sys.stdout, sys.stderr, threading.Thread.start, descriptors, handlers, os.listdir("/proc/self/fd")]

    Logger.info("its handler is made")
    before = look()
    with contextlib.suppress(KeyboardInterrupt), capturing_output(folder, None):
        assert look()[:4] != before[:4]
        raise KeyboardInterrupt
    assert look() == before


def test_code_that_writes_much_while_it_holds_pythons_lock_is_not_waited_for(folder: JobFolder) -> None:
    line = b"x" * 9_999
    with capturing_output(folder, None):
        for _ in range(100):
            ctypes.PyDLL(None).puts(line)
    assert read_log(folder) == (line + b"\n") * 100


SCRIPT = """
    import logging, os, sys, threading, time
    sys.path.insert(0, {tests!r})
    from tg.common.delivery.sagemaker.machine.captured_output import capturing_output
    from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
    folder = JobFolder.create("script")
    with capturing_output(folder, None):
    {code}
    print("after")
    os.write(2, b"".join(event.data for event in folder.read_output()))
"""


def run_script(code: str, give: str = "", **options: Any) -> "subprocess.CompletedProcess[str]":
    script = textwrap.dedent(SCRIPT).format(tests=os.getcwd(), code=textwrap.indent(code, "    "))
    return subprocess.run(
        [sys.executable, "-c", script], input=give, capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.starts_process
def test_a_debugger_asks_and_answers() -> None:
    result = run_script("answer = 6 * 7\nbreakpoint()\nanswer += 1\nprint('went on')", "p answer\nn\nc\n")
    assert result.returncode == 0, result.stderr
    assert "(Pdb) 42\n(Pdb) " in result.stdout
    assert result.stdout.endswith("(Pdb) went on\nafter\n")
    assert "(Pdb) 42\n(Pdb) " in result.stderr


@pytest.mark.starts_process
def test_input_asks_at_once() -> None:
    result = run_script("print(input('a number: ') * 2)", "4\n")
    assert (result.stdout, result.stderr) == ("a number: 44\nafter\n", "a number: 44\n")


@pytest.mark.starts_process
@pytest.mark.parametrize(("closed", "other"), [(1, "stderr"), (2, "stdout")])
def test_what_is_closed_stays_closed(closed: int, other: str) -> None:
    look = f"assert not os.path.exists('/proc/self/fd/{closed}'); os.write({3 - closed}, (folder.log).read_bytes())"
    script = textwrap.dedent(SCRIPT).format(tests=os.getcwd(), code="    os.write(1, b'one '); os.write(2, b'two\\n')")
    script = script.partition('print("after")')[0] + look
    command = ["sh", "-c", f'"$0" -c "$1" {closed}>&-', sys.executable, script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert getattr(result, other).endswith("one two\n")


class _Talker(AbstractTrainingTask):
    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        for _ in range(20):
            print(self.word)
            environment.log(self.word)


def in_threads(*functions: Callable[[], None]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_trainings_of_two_threads_do_not_mix(tmp_path: Path) -> None:
    logs: dict[str, bytes] = {}

    def train(word: str) -> None:
        executor = SagemakerAttachedExecutor(build_delivery(_Talker(word), tmp_path, version=word))
        logs[word] = b"".join(event.data for event in executor.logs(executor.submit()))

    folder = os.getcwd()
    in_threads(lambda: train("one"), lambda: train("two"))
    assert {word: (log.count(b"one\n"), log.count(b"two\n")) for word, log in logs.items()} == {
        "one": (40, 0),
        "two": (0, 40),
    }
    assert os.getcwd() == folder
