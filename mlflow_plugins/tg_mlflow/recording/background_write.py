"""Writes to a run in a thread, so that a slow tracking server keeps nobody waiting, and what is left at the end."""

import logging
import threading
from collections.abc import Callable

from tg_mlflow.errors import TrackingError

_logger = logging.getLogger("mlflow.tg_mlflow")


class BackgroundWrite:
    """Writes what there is to write, never twice at once.

    Args:
        name: The thread's.
        attempt: Writes what has not been written; raises TrackingError at once if it cannot.
        complete: Does the same with patience.
    """

    def __init__(self, name: str, attempt: Callable[[], None], complete: Callable[[], None]) -> None:
        self._name = name
        self._attempt = attempt
        self._complete = complete
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tries it once in a thread; while that goes on, the rest is left to :meth:`finish`."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._try, name=self._name, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Waits for the thread, and writes what is left.

        Raises:
            TrackingError: If it cannot be written.
        """
        if self._thread is not None:
            self._thread.join()
        self._complete()

    def _try(self) -> None:
        try:
            self._attempt()
        except TrackingError as problem:
            _logger.debug("%s is tried again at the end: %s", self._name, problem)
