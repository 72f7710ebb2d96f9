"""Runs a command and keeps its output, its times and its exit code on disk, even if its starter dies.

    python process_supervisor.py FOLDER COMMAND...
    python process_supervisor.py FOLDER

The output goes through a FIFO in the folder. The command holds both ends of it: should its supervisor die, nothing is
lost, and another one, which is started without a command, takes its place. While the folder's disk is full, the
supervisor holds back what it cannot write.

This file is started by its path and imports the standard library only, so that it is up in a few milliseconds.
"""

import contextlib
import fcntl
import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

LOG_NAME = "train.log"
TIMES_NAME = "train.times"
PROCESS_NAME = "process.json"
EXIT_NAME = "exit.json"
_FIFO_NAME = "output"
_LOCK_NAME = "supervisor.lock"

# How often to try again what the disk does not take, and to look whether a process of another parent goes on.
_RETRY_SECONDS = 0.2
_START_SECONDS = 1
# What is held back at most while the disk is full; then the command waits, too.
_MOST_HELD_BYTES = 64 << 20


def write_json(path: Path, content: object) -> None:
    """Writes a file atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    os.replace(temporary, path)


def read_start_time(pid: int) -> str | None:
    """Returns when a process was started, in the kernel's notation: two processes with the same id differ in it.

    Returns:
        ``None`` if that is unknown, or if the process is a zombie.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else fields[18].decode()


def describe_process(pid: int) -> dict[str, Any]:
    """Describes a process so that it can be told from a later one with the same id."""
    return {"pid": pid, "started": read_start_time(pid)}


def is_alive(process: dict[str, Any]) -> bool:
    """Returns whether a process that :func:`describe_process` described is still alive."""
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(read_start_time(process["pid"]) == process["started"])


def keep_supervised(folder: Path, process: dict[str, Any], program: Path | None = None) -> bool:
    """Starts another supervisor if that of a running job has died.

    Args:
        folder: The job's folder.
        process: The job's process, as ``process.json`` has it.
        program: This file, where it is not loaded from there.

    Returns:
        Whether the job, or its supervisor, goes on.
    """
    supervisor, is_running = process.get("supervisor"), is_alive(process)
    if supervisor is None or is_alive(supervisor):
        return is_running or supervisor is not None
    if is_running:
        _start_another(folder, program or Path(__file__))
    return is_running


# When another supervisor was started, by folder: it takes a moment until it can be seen.
_started_at: dict[Path, float] = {}


def _start_another(folder: Path, program: Path) -> None:
    if time.monotonic() - _started_at.get(folder, -math.inf) < _START_SECONDS:
        return
    _started_at[folder] = time.monotonic()
    command, nothing = [sys.executable, "-I", "-S", str(program), str(folder)], subprocess.DEVNULL
    started = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    threading.Thread(target=started.wait, daemon=True).start()  # or it would stay a zombie


class OutputKeeper:
    """Writes output to the log and its times; what the disk does not take is held back and written later.

    A context, of which there is one at a time for a folder.

    Args:
        folder: The job's folder. What an earlier keeper has written there is continued.

    Attributes:
        length: How many bytes the log has.
    """

    def __init__(self, folder: Path) -> None:
        self._log = os.open(folder / LOG_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        self._times = os.open(folder / TIMES_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        self.length = os.fstat(self._log).st_size
        self._noted, self._times_length = self._read_times()
        self._held: list[tuple[bytes, int]] = []

    def _read_times(self) -> tuple[int, int]:
        """Returns how much of the log has a time, and how many bytes of the times are whole lines."""
        size = os.fstat(self._times).st_size
        end = os.pread(self._times, 100, max(0, size - 100))
        lines, newline, _ = end.rpartition(b"\n")
        if not newline:
            return 0, 0
        return int(lines.rpartition(b"\n")[2].split()[-1]), size - len(end) + len(lines) + 1

    @property
    def held_bytes(self) -> int:
        """How much is not written yet."""
        return sum(len(data) for data, _ in self._held)

    def take(self, data: bytes, time_ms: int) -> None:
        """Takes output, and writes it if possible."""
        self._held.append((data, time_ms))
        self.write()

    def write(self) -> bool:
        """Writes what is held back; returns whether nothing is left of it."""
        try:
            while self._held:
                data, time_ms = self._held[0]
                while data:
                    written = os.pwrite(self._log, data, self.length)
                    self.length += written
                    data = data[written:]
                    self._held[0] = (data, time_ms)
                self._note(time_ms)
                del self._held[0]
        except OSError:
            return False
        return True

    def _note(self, time_ms: int) -> None:
        line = b"%d %d\n" % (time_ms, self.length)
        written = 0
        while written < len(line):
            written += os.pwrite(self._times, line[written:], self._times_length + written)
        self._times_length += len(line)

    def catch_up(self) -> None:
        """Gives a time to what an earlier keeper had written before it could note its time."""
        if self.length > self._noted:
            self._held.insert(0, (b"", time.time_ns() // 1_000_000))
            self.write()


def supervise(folder: Path, start: Callable[[int], Any]) -> None:
    """Runs a process to its end, then kills what it left running in its process group.

    ``start`` starts it in a session of its own, with its output to a descriptor, and returns it as ``Popen`` is.
    """
    os.mkfifo(folder / _FIFO_NAME, 0o600)
    _lock(folder)
    reader, writer = _open_fifo(folder)
    process = start(writer)
    os.close(writer)
    _describe(folder, process.pid)

    def reap() -> None:
        process.wait()
        _kill_group(process.pid)

    _keep_output(folder, reader, reap, lambda: process.returncode)


def start_command(folder: Path, command: list[str], writer: int) -> "subprocess.Popen[bytes]":
    """Starts a command in ``folder``."""
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdin=nothing, stdout=writer, stderr=writer, start_new_session=True)


def supervise_on(folder: Path) -> None:
    """Takes the place of a supervisor that has died; what the process returns is not known then."""
    path = folder / PROCESS_NAME
    if not _lock(folder) or not path.exists():
        return  # another one has, or the job is gone
    process = json.loads(path.read_text(encoding="utf-8"))
    reader, writer = _open_fifo(folder)
    os.close(writer)
    # Unless the process has held the FIFO until now, what it had written last is gone.
    is_whole = is_alive(process)
    with contextlib.suppress(OSError):  # the disk is full; the lock tells others, too
        _describe(folder, process["pid"], process["started"])

    def wait() -> None:
        while is_alive(process):
            time.sleep(_RETRY_SECONDS)
        _kill_group(process["pid"])

    _keep_output(folder, reader, wait, lambda: None, is_whole)


def _keep_output(
    folder: Path, reader: int, wait: Callable[[], None], find_code: Callable[[], int | None], is_whole: bool = True
) -> None:
    waiter = threading.Thread(target=wait)
    waiter.start()
    keeper = OutputKeeper(folder)
    keeper.catch_up()
    has_ended = False
    while not has_ended or keeper.held_bytes:
        if has_ended or keeper.held_bytes >= _MOST_HELD_BYTES:
            time.sleep(_RETRY_SECONDS)
            keeper.write()
        elif keeper.held_bytes and not select.select([reader], [], [], _RETRY_SECONDS)[0]:
            keeper.write()
        elif data := os.read(reader, 1 << 16):
            keeper.take(data, time.time_ns() // 1_000_000)
        else:
            has_ended = True
    waiter.join()
    end = {
        "exit_code": find_code(),
        "time_ms": time.time_ns() // 1_000_000,
        "log_bytes": keeper.length if is_whole else None,
    }
    while True:
        try:
            write_json(folder / EXIT_NAME, end)
            return
        except OSError:
            if not folder.is_dir():
                return
            time.sleep(_RETRY_SECONDS)


def _open_fifo(folder: Path) -> tuple[int, int]:
    """Returns a descriptor to read from the FIFO, and one that a command may write to with nobody reading."""
    reader = os.open(folder / _FIFO_NAME, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(folder / _FIFO_NAME, os.O_RDWR)
    os.set_blocking(reader, True)
    return reader, writer


def _lock(folder: Path) -> bool:
    """Becomes the folder's only supervisor, for as long as this process lives; returns whether it has."""
    lock = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    return True


def _describe(folder: Path, pid: int, started: str | None = None) -> None:
    process = describe_process(pid)
    if started is not None:
        process["started"] = started
    write_json(folder / PROCESS_NAME, {**process, "supervisor": describe_process(os.getpid())})


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    # The job survives its terminal and the process that started it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.argv[2:]:
        supervise(Path(sys.argv[1]), partial(start_command, Path(sys.argv[1]), sys.argv[2:]))
    else:
        supervise_on(Path(sys.argv[1]))
