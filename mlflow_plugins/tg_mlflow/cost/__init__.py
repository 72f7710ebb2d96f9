"""What trainings cost: before they start, while they run, and the bound at which they are stopped.

It asks places for prices and executors for how long a job is paid for; it starts nothing, and records what it finds.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Budget": ".budget",
    "Costs": ".costs",
    "format_cost_table": ".table",
    "guarding_cost": ".guard",
    "recording_total": ".total",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.cost.budget import Budget as Budget
    from tg_mlflow.cost.costs import Costs as Costs
    from tg_mlflow.cost.guard import guarding_cost as guarding_cost
    from tg_mlflow.cost.table import format_cost_table as format_cost_table
    from tg_mlflow.cost.total import recording_total as recording_total
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
