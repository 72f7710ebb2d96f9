"""What a job uses of its machine, by the names that MLflow has for it."""

from collections.abc import Mapping
from dataclasses import dataclass

CPU = "cpu_utilization_percentage"
MEMORY = "system_memory_usage_percentage"
MEMORY_MEGABYTES = "system_memory_usage_megabytes"
DISK = "disk_usage_percentage"
DISK_MEGABYTES = "disk_usage_megabytes"
DISK_FREE_MEGABYTES = "disk_available_megabytes"
RECEIVED_MEGABYTES = "network_receive_megabytes"
SENT_MEGABYTES = "network_transmit_megabytes"
GPU = "gpu_{}_utilization_percentage"
GPU_MEMORY = "gpu_{}_memory_usage_percentage"
GPU_MEMORY_MEGABYTES = "gpu_{}_memory_usage_megabytes"
GPU_POWER = "gpu_{}_power_usage_percentage"
GPU_POWER_WATTS = "gpu_{}_power_usage_watts"


@dataclass(frozen=True)
class Usage:
    """A reading of what a job uses.

    Attributes:
        time_ms: The moment, in milliseconds since 1970.
        values: Numbers by MLflow's names of system metrics, without ``system/``. Where several machines train, the
            machine's name and a slash stand before each. What a place cannot tell is left out.
        cpus: How many processors each machine has, where the job has machines of its own.
    """

    time_ms: int
    values: Mapping[str, float]
    cpus: int | None = None


class BusyMeter:
    """Turns the processor time that jobs have used so far into how many processors they keep busy."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}

    def measure(self, job_id: str, used_seconds: float, at_seconds: float) -> float | None:
        """Returns how many processors a job has kept busy since the last reading.

        Returns:
            ``None`` for its first reading, and for one of less time than before: a process that has ended may take its
            time with it, and a container that is started again counts anew.
        """
        before, self._last[job_id] = self._last.get(job_id), (used_seconds, at_seconds)
        if before is None or at_seconds <= before[1] or used_seconds < before[0]:
            return None
        return (used_seconds - before[0]) / (at_seconds - before[1])
