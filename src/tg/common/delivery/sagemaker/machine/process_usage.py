"""Reads what a process and all that it has started use of this machine, from Linux's ``/proc``."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..executor.gpu_usage import read_gpus
from ..executor.usage import (
    CPU,
    DISK,
    DISK_FREE_MEGABYTES,
    DISK_MEGABYTES,
    MEMORY,
    MEMORY_MEGABYTES,
    BusyMeter,
    Usage,
)

_PROC = Path("/proc")
# The limits of a container in which this process may run: of cgroups in version 2 and 1.
_CGROUP = Path("/sys/fs/cgroup")
_MEMORY_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
_CPU_LIMITS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))


@dataclass(frozen=True)
class ProcessReading:
    """What a process uses.

    Attributes:
        pid: The process.
        parent: The process that has started it.
        session: Its session, the id of the process that began it.
        cpu_seconds: The processor time of it and of its children that have ended.
        memory_bytes: Its memory that is in use.
        shared_bytes: The part of that memory that others may use, too, such as libraries.
    """

    pid: int
    parent: int
    session: int
    cpu_seconds: float
    memory_bytes: int
    shared_bytes: int = 0


class ProcessUsage:
    """Reads what jobs use that are processes of this machine. Threads may share it."""

    def __init__(self) -> None:
        self._meter = BusyMeter()

    def read(self, job_id: str, pid: int, folder: Path) -> Usage | None:
        """Reads what a job's processes use: those of its session, and all that its process has started.

        Args:
            job_id: The job.
            pid: Its process.
            folder: A folder on the disk that it uses.

        Returns:
            ``None`` where there is no ``/proc``, or the process has ended.
        """
        processes = [_add_shared(each) for each in select_job(list(_list_processes()), pid)]
        if not processes:
            return None
        values: dict[str, float] = {}
        used_seconds = sum(each.cpu_seconds for each in processes)
        busy, cpus = self._meter.measure(job_id, used_seconds, time.monotonic()), _count_cpus(pid)
        if busy is not None:
            values[CPU] = round(busy / cpus * 100, 1)
        memory = count_memory(processes)
        values[MEMORY_MEGABYTES] = round(memory / 1e6, 1)
        if total := _find_memory():
            values[MEMORY] = round(memory / total * 100, 1)
        with suppress(OSError):
            disk = shutil.disk_usage(folder)
            values[DISK] = round(disk.used / (disk.used + disk.free) * 100, 1)  # what root may use besides is no one's
            values[DISK_MEGABYTES], values[DISK_FREE_MEGABYTES] = round(disk.used / 1e6, 1), round(disk.free / 1e6, 1)
        return Usage(time.time_ns() // 1_000_000, {**values, **read_gpus()})


def select_job(processes: list[ProcessReading], pid: int) -> list[ProcessReading]:
    """Selects a process, the others of the session that it may have begun, and all that these have started."""
    if all(each.pid != pid for each in processes):
        return []
    chosen = {each.pid for each in processes if pid in (each.pid, each.session)}
    grows = True
    while grows:
        started = {each.pid for each in processes if each.parent in chosen} - chosen
        chosen |= started
        grows = bool(started)
    return [each for each in processes if each.pid in chosen]


def count_memory(processes: list[ProcessReading]) -> int:
    """Adds up the memory of processes in bytes; what they may share counts once, for the one with the most of it."""
    own = sum(each.memory_bytes - each.shared_bytes for each in processes)
    return own + max((each.shared_bytes for each in processes), default=0)


def _list_processes() -> Iterator[ProcessReading]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir(_PROC) if _PROC.is_dir() else ():
        if not name.isdecimal():
            continue
        try:
            stat = (_PROC / name / "stat").read_bytes()
        except OSError:
            continue  # it has ended just now
        _, parent, _, session, *fields = stat.rpartition(b")")[2].split()
        spent = sum(map(int, fields[7:11]))  # utime, stime, cutime, cstime (proc_pid_stat(5))
        yield ProcessReading(int(name), int(parent), int(session), spent / ticks, int(fields[17]) * page)  # rss


def _add_shared(process: ProcessReading) -> ProcessReading:
    try:
        pages = int((_PROC / str(process.pid) / "statm").read_bytes().split()[2])
    except (OSError, IndexError):
        return process  # it has ended just now
    return replace(process, shared_bytes=min(pages * os.sysconf("SC_PAGE_SIZE"), process.memory_bytes))


def _count_cpus(pid: int) -> float:
    """Returns how many processors a process may use."""
    try:
        present = len(os.sched_getaffinity(pid))
    except OSError:
        present = os.cpu_count() or 1
    for names in _CPU_LIMITS:
        with suppress(OSError, ValueError):  # `max` is no limit
            quota, period = (int(word) for name in names for word in (_CGROUP / name).read_text("ascii").split())
            if quota > 0:
                return min(present, quota / period)
    return present


def _find_memory() -> int | None:
    """Returns how much memory there is, in bytes: the machine's, or that of the container in which this runs."""
    known = []
    with suppress(OSError, ValueError):
        first = (_PROC / "meminfo").read_text(encoding="ascii").splitlines()[0]  # MemTotal: 16384 kB
        known.append(int(first.split()[1]) * 1024)
    for name in _MEMORY_LIMITS:
        with suppress(OSError, ValueError):
            known.append(int((_CGROUP / name).read_text(encoding="ascii")))
    return min(known, default=None)
