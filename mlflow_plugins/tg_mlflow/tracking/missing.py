"""Notes in a run what is missing of it."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from mlflow.entities import Run

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.tags import MISSING_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


class TaggingClient(Protocol):
    """What is needed of :class:`tg_mlflow.tracking.client.TrackingClient`."""

    def without_patience(self) -> "TaggingClient":
        """Returns a client that does not wait for a server that is away."""

    def get_run(self, run_id: str) -> Run:
        """Reads a run."""

    def set_tag(self, run_id: str, key: str, value: Any) -> None:
        """Sets a tag of a run."""


def note_missing(client: TaggingClient, run_id: str, parts: Sequence[str], waits: bool = False) -> None:
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
