"""Waits for a tracking server that is away."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES

# So long a tracking server may be away, besides the time that MLflow's own client tries again.
PATIENCE_SECONDS = 300.0
PATIENCE_VARIABLE = "TG_TRACKING_PATIENCE_SECONDS"

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


class Clock(Protocol):
    """Tells the time and lets it pass, as the module :mod:`time` does."""

    def monotonic(self) -> float:
        """Returns the seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Waits."""


class Patience:
    """How long all that share it wait together for a tracking server that is away.

    The server is away from a request that fails until one that it answers. Once it has been away for too long, each
    further request is sent once, until the server answers one.

    Args:
        seconds: How long the server may be away.
        clock: The clock.
    """

    def __init__(self, seconds: float, clock: Clock = time) -> None:
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._failed_at = 0.0

    def note_answer(self) -> None:
        """Notes that the server is there."""
        with self._lock:
            self._away_since = None

    def pauses(self) -> Iterator[float]:
        """Yields how many seconds to wait after each failure of one request; asked for at each failure, not before.

        It ends when the server has been away for too long, or has failed this request for as long.
        """
        begun, pause = self._clock.monotonic(), _FIRST_PAUSE_SECONDS
        while (left := min(begun, self._note_failure()) + self.seconds - self._clock.monotonic()) > 0:
            yield min(pause, left)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        self._clock.sleep(seconds)

    def _note_failure(self) -> float:
        """Notes that a request has failed; returns since when the server is away."""
        with self._lock:
            now = self._clock.monotonic()
            # After a long time without requests, this is another absence: the server may have been back meanwhile.
            if self._away_since is None or now - self._failed_at > self.seconds:
                self._away_since = now
            self._failed_at = now
            return self._away_since


@contextmanager
def sending_at_most(retries: int) -> Iterator[None]:
    """Lets MLflow repeat a request only so often while the context is open.

    By itself, it waits two minutes for a server that is away, and says nothing meanwhile.
    """
    before = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get_raw()
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(retries)
    try:
        yield
    finally:
        if before is None:
            MLFLOW_HTTP_REQUEST_MAX_RETRIES.unset()
        else:
            MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(before)
