"""What the machines of one training cost, at a place where machines are paid for."""

from dataclasses import dataclass
from decimal import Decimal

from tg_mlflow.places.instance_price import InstancePrice


@dataclass(frozen=True)
class TrainingPrice:
    """What the machines of one training cost, or why that is unknown.

    Attributes:
        machine: The machine, such as ``ml.m5.large``.
        count: How many of them train together.
        most_seconds: How long the training may take.
        price: The price of one of them.
        stop_seconds: How long a job that is told to stop may go on, and is paid for.
        starts_anew: Whether an interruption by the place, as of spot machines, begins it again from zero.
    """

    machine: str
    count: int
    most_seconds: int
    price: InstancePrice
    stop_seconds: int = 0
    starts_anew: bool = False

    def usd_for(self, seconds: float) -> float | None:
        """Returns what all its machines cost for a time; ``None`` if that is unknown."""
        hourly = self.price.usd_per_hour_of(self.count)
        return None if hourly is None else float(hourly) * seconds / 3600

    @property
    def usd_at_most(self) -> Decimal | None:
        """What it costs at most, rounded up to a cent; ``None`` if that is unknown."""
        return self.price.usd_at_most(self.count, self.most_seconds)
