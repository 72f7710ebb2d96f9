"""Logs how a training has ended."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.entities import RunStatus

from tg_mlflow.console.colours import colour_states
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.lifecycle import kill_run
from tg_mlflow.training.end import TrainingEnd
from tg_mlflow.training.summary import describe_run

_logger = logging.getLogger("mlflow.tg_mlflow")


@contextmanager
def announcing_interrupt(client: TrackingClient, run_id: str) -> Iterator[None]:
    """Ends the run as KILLED if it is interrupted while the context is open, and logs that."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        kill_run(client, run_id, interrupt)
        raise


def announce_end(client: TrackingClient, run_id: str, end: TrainingEnd) -> None:
    """Logs a summary of a run that has FINISHED; the caller reports a failure."""
    if end.status == RunStatus.to_string(RunStatus.FINISHED):
        _logger.info("%s", colour_states(describe_run(client, run_id), sys.stderr))
