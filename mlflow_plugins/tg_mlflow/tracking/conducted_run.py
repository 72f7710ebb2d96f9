"""A run that this process records: other processes see that it does, and it ends whatever happens."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching
from tg_mlflow.tracking.lifecycle import Ending, ending_run


@contextmanager
def conducting_run(client: TrackingClient, run_id: str) -> Iterator[Ending]:
    """Notes in a run that this process records it, as :func:`launching` does, until it is ended by :func:`ending_run`.

    Args:
        client: The tracking server's.
        run_id: A run of a training, or of many.

    Raises:
        RecordingError: If the server takes neither that note nor the run's end.
        RunEndedError: If another process has ended the run, in place of what that has led to here.
    """
    # The run ends first, so that whoever waits for this process to let go of it finds it ended.
    with ExitStack() as noted, ending_run(client, run_id) as ending:
        noted.enter_context(launching(client, run_id))
        yield ending
