"""Waits for what runs jobs, while that does not answer and the jobs go on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ....errors import DeliveryError, JobUnreachableError
from ....logger import Logger
from ....system.waits import waiting_for

T = TypeVar("T")

_asks_once: ContextVar[bool] = ContextVar("asks_once", default=False)


@contextmanager
def asking_once() -> Iterator[None]:
    """Lets this thread wait for no service while the context is open: for people who only want to see something."""
    token = _asks_once.set(True)
    try:
        yield
    finally:
        _asks_once.reset(token)


def asks_once() -> bool:
    """Returns whether this thread is within :func:`asking_once`."""
    return _asks_once.get()


class JobPatience:
    """Asks about a job again and again while the service that runs it is away; many threads may share it.

    One of those that wait at the same time says so.

    Args:
        seconds: How long the service may be away.
        pause: Waits between two tries; what it raises ends the waiting.
        now: The present time in seconds.
    """

    def __init__(self, seconds: float, pause: Callable[[], object], now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._pause = pause
        self._now = now
        self._lock = threading.Lock()
        self._waiting = 0

    def ask(self, function: Callable[[], T], explain: Callable[[Exception], DeliveryError]) -> T:
        """Calls a function until it succeeds.

        Args:
            function: Asks about a job.
            explain: Says what an error that may pass is about; raises any other.

        Raises:
            JobUnreachableError: If such errors last too long; within :func:`asking_once`, at the first one.
        """
        try:
            return function()
        except Exception as error:  # noqa: BLE001 - `explain` raises those that do not pass
            problem, cause = explain(error), error
        if asks_once():
            raise JobUnreachableError(str(problem)) from cause
        deadline = self._now() + self._seconds
        with self._telling(problem), waiting_for(str(problem)):
            while self._now() <= deadline:
                self._pause()
                try:
                    return function()
                except Exception as error:  # noqa: BLE001 - as above
                    problem, cause = explain(error), error
        raise JobUnreachableError(
            f"{problem}; the job goes on and can be followed again when that is settled"
        ) from cause

    @contextmanager
    def _telling(self, problem: DeliveryError) -> Iterator[None]:
        with self._lock:
            self._waiting += 1
            is_first = self._waiting == 1
        if is_first:
            minutes = self._seconds / 60
            Logger.warning(
                f"{problem}; waiting up to {minutes:g} minutes for that to be settled, while the job goes on"
            )
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
