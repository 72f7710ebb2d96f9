"""Peaks and means of what a job has used, and what follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlflow.entities import Metric

from tg.common.delivery.sagemaker.executor.usage import CPU, MEMORY, MEMORY_MEGABYTES
from tg_mlflow.tracking.tags import MEAN_CPU_METRIC, PEAK_MEMORY_MEGABYTES_METRIC, PEAK_MEMORY_METRIC

_FULL_PERCENTAGE = 90
_QUARTER_PERCENTAGE = 25
_UNUSED_PERCENTAGE = 1
# A machine with fewer processors has no quarter.
_LEAST_CPUS = 8
# From fewer points, nothing is concluded of a machine's size.
_LEAST_POINTS = 3


@dataclass
class _Total:
    count: int = 0
    sum: float = 0
    most: float = 0

    def add(self, value: float) -> None:
        self.count, self.sum, self.most = self.count + 1, self.sum + value, max(self.most, value)


@dataclass
class UsageTotals:
    """What the points of a run add up to; those of several machines together.

    Attributes:
        cpus: How many processors a machine has, if that is known.
    """

    cpus: int | None = None
    _totals: dict[str, _Total] = field(default_factory=dict)

    def add(self, metric: Metric) -> None:
        """Adds a point."""
        self._totals.setdefault(metric.key.rpartition("/")[2], _Total()).add(metric.value)

    def summarize(self) -> dict[str, float]:
        """Returns the metrics of the run that say it in a number."""
        memory, megabytes, cpu = (self._totals.get(name) for name in (MEMORY, MEMORY_MEGABYTES, CPU))
        values: dict[str, float] = {}
        if memory is not None:
            values[PEAK_MEMORY_METRIC] = memory.most
        if megabytes is not None:
            values[PEAK_MEMORY_MEGABYTES_METRIC] = megabytes.most
        if cpu is not None:
            values[MEAN_CPU_METRIC] = round(cpu.sum / cpu.count, 1)
        return values

    def advise(self, has_own_machine: bool) -> str | None:
        """Says in one line what is wrong with the machine; ``None`` if nothing is.

        Args:
            has_own_machine: Whether the machine was chosen for the job. Another one is what it is.
        """
        return "; ".join(self._advise(has_own_machine)) or None

    def _advise(self, has_own_machine: bool) -> Iterator[str]:
        memory, cpu = self._totals.get(MEMORY), self._totals.get(CPU)
        gpus = [total for name, total in self._totals.items() if name.startswith("gpu_") and "_utilization_" in name]
        if memory is not None and memory.most >= _FULL_PERCENTAGE:
            yield f"memory was nearly full, {memory.most:.0f} % at most: give the training more, or it may be killed"
        if not has_own_machine:
            return
        is_without_gpu = all(each.most < _UNUSED_PERCENTAGE for each in gpus)
        if gpus and is_without_gpu and min(each.count for each in gpus) >= _LEAST_POINTS:
            yield "no GPU was used: take a machine without one, or see why the training does not find it"
        elif is_without_gpu and memory is not None and cpu is not None and (self.cpus or 0) >= _LEAST_CPUS:
            mean, is_known = cpu.sum / cpu.count, min(cpu.count, memory.count) >= _LEAST_POINTS
            if is_known and mean <= _QUARTER_PERCENTAGE and memory.most <= _QUARTER_PERCENTAGE:
                yield (
                    f"the machine is four times too large: its {self.cpus} processors were busy for {mean:.0f} % of "
                    f"the time, and at most {memory.most:.0f} % of its memory was used; take one of a quarter"
                )
