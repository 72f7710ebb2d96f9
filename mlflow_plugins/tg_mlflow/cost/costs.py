"""The prices of a configuration's trainings, and their common budget."""

import logging
import threading
from collections.abc import Iterator

from tg_mlflow.cost.budget import Budget
from tg_mlflow.cost.table import format_cost_table
from tg_mlflow.description.durations import format_duration
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.place import Place
from tg_mlflow.places.training_price import TrainingPrice

_logger = logging.getLogger("mlflow.tg_mlflow")


class Costs:
    """What trainings of one configuration cost, each and together. Prices are asked for once; threads share it.

    Args:
        place: Where they are trained.
        config: Their configuration.
        spent_usd: What of ``max_cost`` was spent before.

    Attributes:
        budget: What all have cost together, and may.
        are_recorded: Whether what each costs is found out while it runs.
    """

    def __init__(self, place: Place, config: PlaceConfig, spent_usd: float = 0) -> None:
        self.budget = Budget(config.max_cost, spent_usd)
        self.are_recorded = place.has_prices and (config.log.cost or config.max_cost is not None)
        self._place = place
        self._attempts = place.list_attempts(config)
        self._prices: dict[int, TrainingPrice | None] = {}
        self._has_warned = False
        self._lock = threading.Lock()

    def find_price(self, attempt: int = 0) -> TrainingPrice | None:
        """Returns what a training costs at one of the attempts to get a machine, from 0; ``None`` without prices."""
        with self._lock:
            if attempt not in self._prices:
                self._prices[attempt] = self._place.find_price(self._attempts[attempt])
            return self._prices[attempt]

    def check(self) -> None:
        """Checks that the bound can be kept, if there is one.

        Raises:
            BackendConfigError: If the place has no prices, a price is unknown, or the bound is reached at once.
        """
        most, spent = self.budget.most_usd, self.budget.usd
        if most is None:
            return
        if spent >= most:
            raise BackendConfigError(f"max_cost is {most:g}, and {spent:.2f} USD are spent; raise it to go on")
        for attempt in range(len(self._attempts)):
            price = self.find_price(attempt)
            if price is None:
                raise BackendConfigError(
                    f"max_cost is {most:g}, and {self._place.name} has no prices to count; leave it out"
                )
            stop_usd = price.usd_for(price.stop_seconds)
            if stop_usd is None:
                raise BackendConfigError(
                    f"max_cost is {most:g}, but what {price.machine} costs is not known ({price.price.problem}); give "
                    "usd_per_hour, or leave max_cost out"
                )
            if stop_usd >= most:
                raise BackendConfigError(
                    f"max_cost is {most:g}, and to stop a training on {price.machine} may take {price.stop_seconds} "
                    f"seconds, which cost {stop_usd:.2f} USD; raise it"
                )

    def limit_seconds(self, attempt: int) -> int | None:
        """Returns how long a training that starts now may take with what is left; ``None`` without a bound."""
        price, most = self.find_price(attempt) if self.budget.most_usd is not None else None, self.budget.most_usd
        if price is None or most is None or not (hourly := price.usd_for(3600)):
            return None
        return max(1, int((most - self.budget.usd) * 3600 / hourly))

    def describe(self, trainings: int = 1) -> str | None:
        """Describes what trainings cost at most, as a table, and what may be lost; ``None`` without prices."""
        prices = [price for number in range(len(self._attempts)) if (price := self.find_price(number)) is not None]
        if not prices:
            return None
        self._has_warned = True
        return "\n".join([*format_cost_table(prices, trainings, self.budget.most_usd), *_warn(prices[0])])

    def warn_once(self) -> None:
        """Logs what may be lost, unless :meth:`describe` has said it."""
        price = self.find_price()
        if not self._has_warned and price is not None:
            self._has_warned = True
            for line in _warn(price):
                _logger.warning("%s", line)


def _warn(price: TrainingPrice) -> Iterator[str]:
    if price.starts_anew:
        most = price.usd_at_most
        loss = format_duration(price.most_seconds) + ("" if most is None else f", or {most:.2f} USD on demand,")
        yield (
            "Spot machines may be reclaimed, and without checkpoints a training then begins again from zero: up to "
            f"{loss} are lost each time; set checkpoints, and let the training resume from them"
        )
