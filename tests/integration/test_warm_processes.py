"""A fork of a warm process is to its test what a started command is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm
from tests.warm import WarmPopen

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "words",
    [
        ["mlflow", "run", "--help"],
        ["mlflow", "no-such-command"],
        ["tg-mlflow", "train", "nowhere:build_task"],
    ],
    ids=" ".join,
)
def test_it_says_and_returns_what_the_command_does(words: list[str], tmp_path: Path) -> None:
    command = [str(BIN / words[0]), *words[1:]]
    variables = {**os.environ, "MLFLOW_TRACKING_URI": str(tmp_path / "nowhere"), "COLUMNS": "80"}
    started = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    forked = warm.run(command, cwd=tmp_path, env=variables)
    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert without_times(forked.stderr) == without_times(started.stderr)


def test_it_is_a_child_in_a_session_of_its_own_that_can_be_killed() -> None:
    words = [str(BIN / "uvicorn"), "--host=127.0.0.1", "--port=0", "mlflow.server.fastapi_app:app"]
    with WarmPopen(words, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert f"Started server process [{process.pid}]" in process.stderr.readline()
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"PPid:\t{os.getpid()}\n" in status
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
        assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_what_the_interpreter_reads_as_it_starts_cannot_differ() -> None:
    with pytest.raises(ValueError, match="a fork cannot have a value of its own for PYTHONPATH; start "):
        warm.run([str(BIN / "mlflow"), "--version"], env={**os.environ, "PYTHONPATH": "elsewhere"})


def without_times(text: str) -> list[str]:
    return [line.partition(" ERROR ")[2] or line for line in text.splitlines()]
