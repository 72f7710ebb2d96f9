"""What trainings cost: before they start, while they run, and the bound at which they are stopped.

It asks places for prices and executors for how long a job is paid for; it starts nothing, and records what it finds.
"""

from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.guard import guarding_cost
from tg_mlflow.cost.total import recording_total

__all__ = ["Costs", "guarding_cost", "recording_total"]
