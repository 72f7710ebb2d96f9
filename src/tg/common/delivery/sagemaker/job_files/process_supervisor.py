"""Runs a command and keeps its output, its times and its exit code on disk, even if its starter dies.

    python process_supervisor.py FOLDER COMMAND...

This file is started by its path and imports the standard library only, so that it is up in a few milliseconds.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

LOG_NAME = "train.log"
TIMES_NAME = "train.times"
PROCESS_NAME = "process.json"
EXIT_NAME = "exit.json"


def append_output(log: BinaryIO, times: BinaryIO, data: bytes, time_ms: int) -> None:
    """Appends to a log, and to its times a line ``<milliseconds since 1970> <length of the log>``."""
    log.write(data)
    log.flush()
    times.write(b"%d %d\n" % (time_ms, log.tell()))
    times.flush()


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


def describe_process(pid: int) -> dict[str, object]:
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


def supervise(folder: Path, command: list[str]) -> None:
    """Runs ``command`` in ``folder`` to its end, then kills what it left running in its process group."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    write_json(folder / PROCESS_NAME, describe_process(process.pid))

    def reap() -> None:
        process.wait()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    reaper = threading.Thread(target=reap)
    reaper.start()
    assert process.stdout is not None
    with (folder / LOG_NAME).open("ab") as log, (folder / TIMES_NAME).open("ab") as times:
        while data := os.read(process.stdout.fileno(), 1 << 16):
            append_output(log, times, data, time.time_ns() // 1_000_000)
    reaper.join()
    write_json(folder / EXIT_NAME, {"exit_code": process.returncode, "time_ms": time.time_ns() // 1_000_000})


if __name__ == "__main__":
    # The job survives its terminal and the process that started it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervise(Path(sys.argv[1]), sys.argv[2:])
