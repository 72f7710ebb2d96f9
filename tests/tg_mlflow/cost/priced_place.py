"""A place in memory whose machines have prices."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tg.common.delivery.sagemaker import Executor, JobFacts
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.instance_price import InstancePrice
from tg_mlflow.places.place import Place
from tg_mlflow.places.training_price import TrainingPrice
from tg_mlflow.testing.memory_executor import Machine, MemoryExecutor, MemoryOptions, Script


class PricedConfig(JobConfig):
    """The keys of the place."""

    place = "tg-priced"


class PricedPlace(Place):
    """Has machines, the first choice first; each price is in USD an hour, or why it is unknown."""

    config_model = PricedConfig
    options_model = MemoryOptions
    has_prices = True

    def __init__(self, *prices: str, seconds: int = 5400, stop_seconds: int = 120, starts_anew: bool = False) -> None:
        self.prices, self.asked = list(prices), 0
        self._rest = seconds, stop_seconds, starts_anew

    def build_options(self, config: Any, folder: Path) -> MemoryOptions:
        return MemoryOptions()

    def open(self, options: Any, is_shared: bool = False) -> Executor:
        raise NotImplementedError

    def list_attempts(self, config: PricedConfig) -> list[Any]:
        return [config.model_copy(update={"project_name": str(number)}) for number in range(len(self.prices))]

    def find_price(self, config: PricedConfig) -> TrainingPrice:
        self.asked += 1
        number, (seconds, stop_seconds, starts_anew) = int(str(config.project_name)), self._rest
        text = self.prices[number]
        is_known = text.replace(".", "").isdigit()
        price = InstancePrice(Decimal(text), "a list") if is_known else InstancePrice(problem=text)
        return TrainingPrice(f"machine-{number + 1}", 2, seconds, price, stop_seconds, starts_anew)


class BilledExecutor(MemoryExecutor):
    """Has endless jobs, which are paid for as long as is noted here; nothing is known of a job's time before."""

    def __init__(self, billed_seconds: float | None = None) -> None:
        super().__init__(Machine(lambda request: Script(seconds=float("inf"))), MemoryOptions())
        self.billed_seconds = billed_seconds

    def facts(self, job_id: str) -> JobFacts:
        self.status(job_id)
        return JobFacts({}, {} if self.billed_seconds is None else {"billable_seconds": self.billed_seconds})
