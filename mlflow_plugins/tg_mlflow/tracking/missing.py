"""Notes in a run what is missing of it."""

import logging
from collections.abc import Sequence

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import MISSING_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


def note_missing(client: TrackingClient, run_id: str, parts: Sequence[str], waits: bool = False) -> None:
    """Adds parts to those that the run's tag names; a warning tells of a server that does not take that.

    Args:
        client: The tracking server's.
        run_id: The run.
        parts: What is missing, such as ``package``; nothing is noted if there is none.
        waits: Whether a server that is away is waited for.

    Raises:
        TrackingError: If it is waited for, in vain.
    """
    if not parts:
        return
    client = client if waits else client.without_patience()
    try:
        known = client.get_run(run_id).data.tags.get(MISSING_TAG)
        named = known.split(", ") if known else []
        client.set_tag(run_id, MISSING_TAG, ", ".join([*named, *(each for each in parts if each not in named)]))
    except TrackingError as error:
        if waits:
            raise
        _logger.warning("The run cannot be told that it lacks %s: %s", ", ".join(parts), error)
