"""What a job uses of its machine: curves in MLflow's own tab for it, peaks and means, and a line of advice.

It asks an executor and writes to the run, beside the training, which it never disturbs or fails; it knows no places.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "UsagePoints": ".points",
    "UsageTotals": ".totals",
    "sampling_usage": ".sampler",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.usage.points import UsagePoints as UsagePoints
    from tg_mlflow.usage.sampler import sampling_usage as sampling_usage
    from tg_mlflow.usage.totals import UsageTotals as UsageTotals
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
