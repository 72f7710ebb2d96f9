"""Marks what a process makes, so that others can tell when the process is gone."""

import hashlib
import os
import socket
from pathlib import Path

_NAMESPACE = Path("/proc/self/ns/pid")
_UNKNOWN = "unknown"


def mark_process() -> str:
    """Returns a mark of this process, of letters, digits and spaces."""
    pid = os.getpid()
    return f"{_find_place()} {pid} {_read_start(pid)}"


def is_gone(mark: str) -> bool:
    """Whether the process with a mark ran on this machine and has ended; of others, nothing is known."""
    place, _, process = mark.partition(" ")
    pid, _, start = process.partition(" ")
    is_here = place == _find_place() != _UNKNOWN and pid.isdigit() and start != ""
    return is_here and _read_start(int(pid)) != start


def _find_place() -> str:
    """Returns what tells this machine from others, and from its containers, and does not give its name away."""
    try:
        name = f"{socket.gethostname()} {os.readlink(_NAMESPACE)}"
    except OSError:
        return _UNKNOWN
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _read_start(pid: int) -> str:
    """Returns when a process was started, in the kernel's notation; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else fields[18]
