"""A job's output is kept as a whole: while the disk is full, and when the process that keeps it dies."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import wait_for
from tg.common.delivery.sagemaker.job_files import process_supervisor
from tg.common.delivery.sagemaker.job_files.process_supervisor import OutputKeeper, is_alive, keep_supervised

# Says 4,000 lines in about two seconds, and more at once than a FIFO holds.
TALK = """
import sys, time
for number in range(200):
    for part in range(20):
        print(f"line {number * 20 + part} {'x' * 100}")
    sys.stdout.flush()
    time.sleep(0.01)
"""
TALKED = "".join(f"line {number} {'x' * 100}\n" for number in range(4000)).encode()


def refusing(tries: int) -> Callable[[int, bytes, int], int]:
    """Lets a disk be full for some writes, which take a part of what they are given first."""
    left, write = [tries], os.pwrite

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if left[0] == tries:
            left[0] -= 1
            return write(descriptor, data[: len(data) // 2], offset)
        if left[0] > 0:
            left[0] -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data, offset)

    return pwrite


@pytest.mark.parametrize("tries", [0, 1, 2, 5])
def test_what_a_full_disk_does_not_take_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    keeper = OutputKeeper(tmp_path)
    monkeypatch.setattr(os, "pwrite", refusing(tries))
    keeper.take(b"one two\n", 10)
    keeper.take(b"three\n", 20)
    for _ in range(tries):
        keeper.write()
    assert (keeper.held_bytes, keeper.length) == (0, 14)
    assert (tmp_path / "train.log").read_bytes() == b"one two\nthree\n"
    assert (tmp_path / "train.times").read_bytes() == b"10 8\n20 14\n"


def test_a_time_that_was_half_written_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.log").write_bytes(b"one\ntwo\n")
    (tmp_path / "train.times").write_bytes(b"10 4\n11")
    monkeypatch.setattr(time, "time_ns", lambda: 77_000_000)
    keeper = OutputKeeper(tmp_path)
    keeper.catch_up()
    keeper.take(b"three\n", 80)
    assert (tmp_path / "train.times").read_bytes() == b"10 4\n77 8\n80 14\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


def start(folder: Path, program: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", "-S", process_supervisor.__file__, str(folder), sys.executable, "-c", program]
    started = subprocess.Popen(command, start_new_session=True)
    wait_for(lambda: (folder / "process.json").exists())
    return started


def read(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / name
    return dict(json.loads(path.read_text())) if path.exists() else None


@pytest.mark.starts_process
def test_another_supervisor_takes_the_place_of_one_that_dies(folder: Path) -> None:
    first = start(folder, TALK)
    wait_for(lambda: (folder / "train.log").exists() and (folder / "train.log").stat().st_size > 20_000)
    first.send_signal(signal.SIGKILL)
    first.wait()
    process = read(folder, "process.json")
    assert process is not None
    assert is_alive(process)
    assert keep_supervised(folder, process)
    wait_for(lambda: read(folder, "exit.json") is not None)
    assert (folder / "train.log").read_bytes() == TALKED
    ended = read(folder, "exit.json")
    assert ended is not None
    assert (ended["exit_code"], ended["log_bytes"]) == (None, len(TALKED))
    assert int((folder / "train.times").read_text().split()[-1]) == len(TALKED)
    assert keep_supervised(folder, process) is False


@pytest.mark.starts_process
def test_what_has_ended_without_its_supervisor_is_not_said_to_be_whole(folder: Path) -> None:
    first = start(folder, "print('one', flush=True); input()")
    first.send_signal(signal.SIGKILL)
    first.wait()
    process = read(folder, "process.json")
    assert process is not None
    wait_for(lambda: not is_alive(process))
    process_supervisor.supervise_on(folder)
    ended = read(folder, "exit.json")
    assert ended is not None
    assert ended["log_bytes"] is None


@pytest.mark.starts_process
def test_the_end_says_how_long_the_log_is(folder: Path) -> None:
    start(folder, "print('ü' * 10); raise SystemExit(3)").wait()
    ended = read(folder, "exit.json")
    assert ended is not None
    assert (ended["exit_code"], ended["log_bytes"]) == (3, 21)
