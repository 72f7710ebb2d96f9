"""Marks a run as recorded by this process, and ends it whatever happens."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import launching
from tg_mlflow.tracking.lifecycle import Ending, ending_run


@contextmanager
def conducting_run(client: TrackingClient, run_id: str, is_in_process: bool = False) -> Iterator[Ending]:
    """Marks a run as recorded by this process, as :func:`launching` does, and ends it as :func:`ending_run` does.

    Args:
        client: The tracking server's.
        run_id: A run of a training, or of many.
        is_in_process: Whether it is trained in this process.

    Raises:
        RunTakenError: If another process of this machine records it; it does not end then.
        RecordingError: If the server takes neither that note nor the run's end.
        RunEndedError: If another process has ended the run, in place of what that has led to here.
    """
    # The run ends before the mark is removed: a process that waits for its removal finds the run ended.
    with ExitStack() as noted, ending_run(client, run_id) as ending:
        noted.enter_context(launching(client, run_id, is_in_process))
        yield ending
