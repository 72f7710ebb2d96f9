"""The first process of a container passes the training's output on, says how much that was, and ends as it does."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import is_alive, wait_for
from tg.common.delivery.sagemaker.archive.completion import parse_log_size
from tg.common.delivery.sagemaker.contract.log_size import LogCounter, LogSize, parse_log_end
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime import relay

pytestmark = pytest.mark.starts_process

# The parent is the relay, and what follows runs in its child.
START = """
import os, signal, subprocess, sys, time
from pathlib import Path
from tg.common.delivery.sagemaker.archive.completion import write_completion_marker
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime import relay
folder = MlFolder(Path("ml"))
relay.fork_training(folder)
def complete():
    folder.model.mkdir(parents=True, exist_ok=True)
    write_completion_marker(folder.model, awaits_log_size=relay.is_relayed())
"""


def start(folder: Path, program: str, **options: Any) -> "subprocess.Popen[bytes]":
    options = {"stdout": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-u", "-c", START + program], cwd=folder, **options)


def run(folder: Path, program: str) -> tuple[int, bytes, LogSize | None]:
    """Returns the exit code, the output, and how much of it there is as its last line says."""
    process = start(folder, program)
    output, _ = process.communicate(timeout=60)
    lines = output.splitlines(keepends=True)
    return process.returncode, b"".join(lines[:-1]), parse_log_end(lines[-1])


def read_failure(folder: Path) -> str:
    return (folder / "ml" / "output" / "failure").read_text()


def read_told(folder: Path) -> Any:
    return parse_log_size((folder / "ml" / "model" / "completed.json").read_bytes())


def test_what_a_training_writes_is_passed_on_and_counted(tmp_path: Path) -> None:
    program = "print('one'); print(); print('###METRIC###loss:0.5###', file=sys.stderr); print('ü'); complete()"
    size = LogSize(3, 1, 30)
    assert run(tmp_path, program) == (0, "one\n\n###METRIC###loss:0.5###\nü\n".encode(), size)
    assert read_told(tmp_path) == {"host": "algo-1", "lines": 3, "metrics": 1, "ascii": 30}
    assert not (tmp_path / "ml" / "output" / "failure").exists()


def test_it_knows_which_machine_it_is_on(tmp_path: Path) -> None:
    config = tmp_path / "ml" / "input" / "config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    run(tmp_path, "complete()")
    assert read_told(tmp_path) == {"host": "algo-2", "lines": 0, "metrics": 0, "ascii": 0}


@pytest.mark.parametrize(
    ("program", "output"),
    [
        ("os.write(1, b'x' * 10_000_000)", b"x" * 10_000_000 + b"\n"),
        ("os.write(1, b'a\\0b\\xff\\n'); os.write(2, b' 1%\\r 2%\\r')", b"a\0b\xff\n 1%\r 2%\r\n"),
        ("print('one'); os.close(1); os.close(2)", b"one\n"),
        ("print('one'); subprocess.run(['sh', '-c', 'echo two; echo three >&2'])", b"one\ntwo\nthree\n"),
        ("os.write(1, b''.join(b'%d\\n' % i for i in range(100_000)))", b"".join(b"%d\n" % i for i in range(100_000))),
    ],
    ids=["a long line", "bytes and a progress bar", "closed streams", "a child of its own", "many lines"],
)
def test_whatever_is_written_is_passed_on_as_it_is(tmp_path: Path, program: str, output: bytes) -> None:
    exit_code, found, told = run(tmp_path, f"{program}\ncomplete()")
    assert (exit_code, found) == (0, output)
    counter = LogCounter()
    counter.feed(output)
    assert told == counter.size


def test_a_task_that_closes_its_streams_goes_on(tmp_path: Path) -> None:
    program = "signal.pthread_sigmask(signal.SIG_UNBLOCK, [15]); os.close(1); os.close(2); Path('closed').touch()"
    process = start(tmp_path, f"{program}; signal.pause()")
    wait_for((tmp_path / "closed").exists)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=30) == 143


def test_what_goes_on_writing_does_not_keep_a_training_that_has_ended(tmp_path: Path) -> None:
    leave = "if os.fork() == 0:\n    while True:\n        os.write(1, b'y\\n' * 1000)\n"
    process = start(tmp_path, f"{leave}complete()\nos.write(1, b'last\\n')\nos._exit(0)")
    output, _ = process.communicate(timeout=30)  # the writer ends by SIGPIPE
    assert process.returncode == 0
    assert parse_log_end(output.splitlines()[-1]) is not None
    assert output.count(b"last\n") == 1


def test_what_a_left_process_writes_later_is_not_waited_for(tmp_path: Path) -> None:
    program = "if os.fork() == 0:\n    signal.pause()\nprint('one', os.getpid())\ncomplete()\nos._exit(0)"
    process = start(tmp_path, program, start_new_session=True)
    assert process.wait(timeout=30) == 0
    os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("program", "exit_code", "reason"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            137,
            "it was killed by SIGKILL, as the kernel does where memory is short; give it more, or let it need less",
        ),
        (
            "import ctypes; ctypes.string_at(0)",
            139,
            "it was killed by SIGSEGV: Python or a library has crashed",
        ),
        ("os.abort()", 134, "it was killed by SIGABRT: Python or a library has crashed"),
        (
            "signal.pthread_sigmask(signal.SIG_UNBLOCK, [15]); os.kill(os.getpid(), 15)",
            143,
            "it was stopped by SIGTERM",
        ),
        ("os._exit(0)", 1, "its process ended with exit code 0 before the training's end, as by os._exit(0)"),
        ("os._exit(7)", 7, "its process ended with exit code 7 without saying why; see the end of its log"),
    ],
)
def test_how_a_training_ends_that_cannot_say_why(tmp_path: Path, program: str, exit_code: int, reason: str) -> None:
    code, output, told = run(tmp_path, f"os.write(1, b'half a line')\n{program}")
    assert code == exit_code
    assert read_failure(tmp_path) == f"{reason}\n"
    said = re.fullmatch(rb"half a line\n\S+ \S+ ERROR: Job has failed: (.*)\n", output)
    assert said is not None
    assert said[1].decode() == reason
    assert told is not None
    assert told.lines == 2


def test_what_a_training_has_said_of_its_failure_stands(tmp_path: Path) -> None:
    program = "folder.failure.write_text('no luck'); sys.exit(1)"
    assert run(tmp_path, program)[:2] == (1, b"")
    assert read_failure(tmp_path) == "no luck"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_for_the_training(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        f"signal.signal({number}, lambda *_: (print('heard'), os._exit(5)))\n"
        f"signal.pthread_sigmask(signal.SIG_UNBLOCK, [{number}])\nPath('ready').touch()\nwhile True: signal.pause()"
    )
    process = start(tmp_path, program)
    wait_for((tmp_path / "ready").exists)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 5
    assert output.startswith(b"heard\n")


def test_sigterm_waits_until_it_is_handled(tmp_path: Path) -> None:
    program = (
        "Path('ready').touch()\nwhile not Path('sent').exists(): time.sleep(0.01)\n"
        "signal.signal(15, lambda *_: (print('heard'), os._exit(143)))\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [15])\nsignal.pause()"
    )
    process = start(tmp_path, program)
    wait_for((tmp_path / "ready").exists)
    process.terminate()
    (tmp_path / "sent").touch()
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output.splitlines()[0]) == (143, b"heard")


def test_sigterm_that_is_repeated_at_once_is_one_request(tmp_path: Path) -> None:
    program = (
        "signal.signal(15, lambda *_: print('heard', flush=True))\nsignal.signal(10, lambda *_: os._exit(5))\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [15, 10])\nPath('ready').touch()\nwhile True: signal.pause()"
    )
    process = start(tmp_path, program)
    wait_for((tmp_path / "ready").exists)
    assert process.stdout is not None
    process.terminate()
    assert process.stdout.readline() == b"heard\n"
    process.terminate()  # as a place does that does not know whether it was heard
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 5
    assert b"heard" not in output


def test_a_log_that_nobody_reads_does_not_stop_a_training(tmp_path: Path) -> None:
    process = start(tmp_path, "print('one')\nwhile not Path('go').exists(): time.sleep(0.01)\nprint('two')\ncomplete()")
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"
    process.stdout.close()
    (tmp_path / "go").touch()
    assert process.wait(timeout=30) == 0
    assert read_told(tmp_path) == {"host": "algo-1", "lines": 2, "metrics": 0, "ascii": 8}


def test_a_size_that_cannot_be_noted_is_not_known(tmp_path: Path) -> None:
    refuse = "def refuse(*_): raise OSError(28, 'No space left on device')\nrelay.add_log_size = refuse\n"
    program = START.replace("relay.fork_training", f"{refuse}relay.fork_training") + "complete()"
    command = [sys.executable, "-u", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith(b"The size of the log cannot be noted: [Errno 28] No space left on device\n###LOG###")
    assert read_told(tmp_path) == {}


def test_a_killed_relay_ends_the_training_with_its_next_line(tmp_path: Path) -> None:
    process = start(tmp_path, "print(os.getpid())\nwhile True:\n    print('on'); time.sleep(0.01)")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    assert process.wait(timeout=30) == -signal.SIGKILL
    wait_for(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("arguments", "ml_folder", "is_started"),
    [([], None, True), (["train"], None, True), (["check"], None, False), (["train"], "/job/ml", False)],
    ids=["a ready-made image", "an image", "a check of an image", "a job with a supervisor"],
)
def test_it_is_started_where_nothing_else_keeps_the_output(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], ml_folder: str | None, is_started: bool
) -> None:
    forked: list[MlFolder] = []
    monkeypatch.setattr(relay, "fork_training", forked.append)
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    monkeypatch.delenv("TG_ML_FOLDER", raising=False)
    if ml_folder is not None:
        monkeypatch.setenv("TG_ML_FOLDER", ml_folder)
    relay.start_relay()
    assert forked == ([MlFolder(Path("/opt/ml"))] if is_started else [])
    assert not relay.is_relayed()
