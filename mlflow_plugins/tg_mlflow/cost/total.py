"""Records what the trainings of a sweep cost together."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.entities import Run

from tg.common.system.repeating import repeating
from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.guard import build_cost_metric
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient

_logger = logging.getLogger("mlflow.tg_mlflow")

_RECORD_SECONDS = 10


@contextmanager
def recording_total(client: TrackingClient, parent: Run, costs: Costs) -> Iterator[None]:
    """Records what all trainings have cost so far in the run above them while the context is open, and in the end."""
    client, last_usd = client.without_patience(), 0.0

    def record() -> None:
        nonlocal last_usd
        usd = costs.budget.usd
        if usd == last_usd:
            return
        try:
            client.log_batch(parent.info.run_id, metrics=[build_cost_metric(usd, parent.info.start_time)])
            last_usd = usd
        except TrackingError as error:
            _logger.debug("What the trainings cost is not recorded now: %s", error)

    if not costs.are_recorded:
        yield
        return
    with repeating(record, _RECORD_SECONDS, "tg-total-cost", record):
        yield
