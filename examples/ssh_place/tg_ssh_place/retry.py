"""How long and how often a connection that is lost is tried again."""

import time
from collections.abc import Callable
from typing import TypeVar

from .connection import ConnectionLostError

_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 5

Answer = TypeVar("Answer")


class Retry:
    """A time in which something is tried again and again, less and less often; it begins with the first failure.

    Args:
        seconds: How long it is tried.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None
        self._delay = _FIRST_DELAY_SECONDS

    def wait(self) -> bool:
        """Waits for the next try; returns ``False`` when there is to be none."""
        if self._end is None:
            self._end = time.monotonic() + self._seconds
        rest = self._end - time.monotonic()
        if rest <= 0:
            return False
        time.sleep(min(self._delay, rest))
        self._delay = min(2 * self._delay, _LONGEST_DELAY_SECONDS)
        return True


def retrying(seconds: float, act: Callable[[], Answer]) -> Answer:
    """Does something that needs a connection, and does it again if that is lost.

    Raises:
        ConnectionLostError: If it is lost each time until ``seconds`` have passed.
    """
    retry = Retry(seconds)
    while True:
        try:
            return act()
        except ConnectionLostError:
            if not retry.wait():
                raise
