"""Keeps in the run of a training that has failed what it takes to explain and repeat it: its package, its dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tg.common import JobUnreachableError
from tg_mlflow.errors import RecordingError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.results.artifacts import log_input, log_package, log_small_input
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.training.capacity import NoCapacityError


@contextmanager
def explaining_failure(
    client: TrackingClient, run_id: str, package: Path, dataset: Path | None, log: LogConfig
) -> Iterator[None]:
    """Logs the package and the dataset if the training that the context is open for fails or is stopped; of one that
    succeeds, the archive has them. A warning, and the run, name what cannot be logged.

    Args:
        client: The tracking server's.
        run_id: The run.
        package: What is trained.
        dataset: What it is trained on, where that is on this machine.
        log: What is to be logged.
    """
    try:
        yield
    except (NoCapacityError, RecordingError, JobUnreachableError):
        raise  # it is tried again, or goes on
    except (Exception, KeyboardInterrupt) as error:
        client, attempts = client.without_patience(), Attempts(client.mask)
        with attempts("package"):
            log_package(client, run_id, package)
        if log.dataset:
            with attempts("dataset"):
                # Whoever has pressed Ctrl-C does not want to wait.
                (log_small_input if isinstance(error, KeyboardInterrupt) else log_input)(client, run_id, dataset)
        note_missing(client, run_id, attempts.missing)
        raise
