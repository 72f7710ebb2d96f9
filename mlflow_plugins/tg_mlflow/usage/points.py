"""Turns readings of a job's usage into points of MLflow's system metrics, each of them once."""

from collections.abc import Iterable, Iterator

from mlflow.entities import Metric

from tg.common.delivery.sagemaker import Usage
from tg_mlflow.tracking.tags import SYSTEM_PREFIX


class UsagePoints:
    """The points of a run. Each metric has its steps from 0 on, and what is not newer than its last point is no news.

    Args:
        metrics: The last points that another process has recorded; others than system metrics do not matter.
    """

    def __init__(self, metrics: Iterable[Metric] = ()) -> None:
        recorded = [each for each in metrics if each.key.startswith(SYSTEM_PREFIX)]
        self.recorded_keys = sorted({each.key for each in recorded})
        self._last: dict[str, tuple[int, int]] = {}
        for each in recorded:
            self._last[each.key] = max(self._last.get(each.key, (-1, 0)), (each.step, each.timestamp))

    @property
    def last_ms(self) -> int:
        """The time of the last point of all metrics, in milliseconds since 1970; 0 if there is none."""
        return max((time_ms for _, time_ms in self._last.values()), default=0)

    def build(self, readings: Iterable[Usage]) -> Iterator[Metric]:
        """Builds the points of readings, without those that are known."""
        for reading in readings:
            for name, value in reading.values.items():
                key = SYSTEM_PREFIX + name
                step, time_ms = self._last.get(key, (-1, -1))
                if reading.time_ms > time_ms:
                    self._last[key] = step + 1, reading.time_ms
                    yield Metric(key, value, reading.time_ms, step + 1)
