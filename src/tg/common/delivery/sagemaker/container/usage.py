"""Reads what a container uses, from the Docker daemon's statistics."""

import time
from collections.abc import Mapping
from typing import Any

from ....errors import ContainerError
from ...delivery.image.docker_client import DockerClient, ObjectMissingError, engine_errors, is_local
from ..executor.gpu_usage import read_gpus
from ..executor.usage import (
    CPU,
    MEMORY,
    MEMORY_MEGABYTES,
    RECEIVED_MEGABYTES,
    SENT_MEGABYTES,
    BusyMeter,
    Usage,
)


class ContainerUsage:
    """Reads what jobs use that are containers. Threads may share it."""

    def __init__(self) -> None:
        self._meter = BusyMeter()

    def read(self, client: DockerClient, job_id: str) -> Usage | None:
        """Asks the daemon once, and does not wait for one that is away.

        Returns:
            ``None`` if there is no such container, or it does not run.

        Raises:
            ContainerError: If the daemon does not answer.
        """
        try:
            with engine_errors(ContainerError, f"the statistics of job {job_id!r} cannot be read"):
                stats = client.stats(job_id, stream=False, one_shot=True)
                host = client.inspect_container(job_id)["HostConfig"]
        except ObjectMissingError:
            return None
        spent = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
        if not spent:  # it has ended
            return None
        values = build_values(stats)
        busy = self._meter.measure(job_id, spent / 1e9, time.monotonic())
        if busy is not None:
            values[CPU] = round(busy / _count_cpus(stats, host) * 100, 1)
        if host.get("DeviceRequests") and is_local(client):
            values |= read_gpus()
        return Usage(time.time_ns() // 1_000_000, values)


def build_values(stats: Mapping[str, Any]) -> dict[str, float]:
    """Builds values from the answer of ``GET /containers/<id>/stats``, without that of the processors.

    As in ``docker stats``, what the kernel keeps of files and would give up is not counted as memory.
    """
    values: dict[str, float] = {}
    memory = stats.get("memory_stats", {})
    if "usage" in memory:
        kept = memory.get("stats", {})
        # In cgroups of version 1, and of version 2.
        used = max(0, memory["usage"] - kept.get("total_inactive_file", kept.get("inactive_file", 0)))
        values[MEMORY_MEGABYTES] = round(used / 1e6, 1)
        if memory.get("limit"):
            values[MEMORY] = round(used / memory["limit"] * 100, 1)
    networks = (stats.get("networks") or {}).values()
    if networks:
        values[RECEIVED_MEGABYTES] = round(sum(each["rx_bytes"] for each in networks) / 1e6, 3)
        values[SENT_MEGABYTES] = round(sum(each["tx_bytes"] for each in networks) / 1e6, 3)
    return values


def _count_cpus(stats: Mapping[str, Any], host: Mapping[str, Any]) -> float:
    """Returns how many processors a container may use."""
    present = (
        stats["cpu_stats"].get("online_cpus") or len(stats["cpu_stats"]["cpu_usage"].get("percpu_usage") or ()) or 1
    )
    return min(present, (host.get("NanoCpus") or 0) / 1e9 or present)
