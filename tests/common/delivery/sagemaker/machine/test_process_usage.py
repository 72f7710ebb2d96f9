"""What a job's processes use, and not what others do."""

import os
import time
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.machine import process_usage
from tg.common.delivery.sagemaker.machine.process_usage import (
    ProcessReading,
    ProcessUsage,
    count_memory,
    select_job,
)


def make(pid: int, parent: int, session: int, memory: int = 0, shared: int = 0) -> ProcessReading:
    return ProcessReading(pid, parent, session, 0, memory, shared)


def test_a_job_is_its_session_and_all_that_it_has_started() -> None:
    launcher, job = make(10, 1, 5), make(20, 15, 20)
    worker, apart, its_child = make(21, 20, 20), make(22, 20, 22), make(23, 22, 22)
    orphan, other = make(24, 1, 20), make(30, 10, 30)
    everything = [its_child, launcher, job, worker, apart, orphan, other]
    assert {each.pid for each in select_job(everything, 20)} == {20, 21, 22, 23, 24}
    assert {each.pid for each in select_job(everything, 10)} == {10, 30}
    assert select_job(everything, 99) == []


def test_memory_that_processes_share_counts_once() -> None:
    assert count_memory([make(1, 0, 1, 100, 30), make(2, 1, 1, 50, 40)]) == 70 + 10 + 40


def test_this_process_is_read(tmp_path: Path) -> None:
    usage = ProcessUsage()
    first = usage.read("job", os.getpid(), tmp_path)
    assert first is not None
    assert set(first.values) == {
        "system_memory_usage_megabytes",
        "system_memory_usage_percentage",
        "disk_usage_percentage",
        "disk_usage_megabytes",
        "disk_available_megabytes",
    }
    block, began, used = bytearray(b"x" * (64 << 20)), time.monotonic(), time.process_time()
    while time.process_time() < used + 0.3:
        pass
    busy = (time.process_time() - used) / (time.monotonic() - began) / process_usage._count_cpus(os.getpid())
    second = usage.read("job", os.getpid(), tmp_path)
    assert second is not None
    grown = second.values["system_memory_usage_megabytes"] - first.values["system_memory_usage_megabytes"]
    assert 60 < grown < 200, len(block)
    assert second.time_ms >= first.time_ms + 300
    assert second.values["cpu_utilization_percentage"] == pytest.approx(busy * 100, abs=10)
    assert 0 < second.values["system_memory_usage_percentage"] < 100


def test_a_process_that_has_ended_uses_nothing(tmp_path: Path) -> None:
    assert ProcessUsage().read("job", 2**22 + 1, tmp_path) is None


def test_without_proc_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_usage, "_PROC", tmp_path)
    assert ProcessUsage().read("job", os.getpid(), tmp_path) is None


def test_memory_is_that_of_the_container_in_which_this_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        8000000 kB\nMemFree: 1 kB\n")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(process_usage, "_PROC", tmp_path)
    monkeypatch.setattr(process_usage, "_CGROUP", tmp_path)
    assert process_usage._find_memory() == 8_192_000_000
    limit.write_text("max\n")
    assert process_usage._find_memory() == 8_192_000_000
    limit.write_text("2147483648\n")
    assert process_usage._find_memory() == 2_147_483_648


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "9900000 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
    ],
)
def test_processors_are_those_that_the_container_may_use(
    files: dict[str, str], count: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(process_usage, "_CGROUP", tmp_path)
    monkeypatch.setattr(process_usage.os, "sched_getaffinity", lambda pid: set(range(8)))
    assert process_usage._count_cpus(1) == count
