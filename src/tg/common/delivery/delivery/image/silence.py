"""Bounds how long the daemon may say nothing of what it is to do."""

import time
from collections.abc import Callable

from ....errors import ContainerError
from .docker_client import EngineAwayError


def _shows_nothing() -> bool:
    return False


class Silence:
    """Lets a build or a pull be silent as long as something else shows that it goes on; else for some time.

    Args:
        what: What is to be done, such as ``image 'titanic:1' cannot be built``.
        shows_life: Whether something shows that it goes on.
        seconds: How long nothing may show that; no build takes so long between two steps.
        now: The present time in seconds.
    """

    def __init__(
        self,
        what: str,
        shows_life: Callable[[], bool] = _shows_nothing,
        seconds: float = 900,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._shows_life = shows_life
        self._seconds = seconds
        self._now = now
        self._seen = now()

    def look(self, silent_seconds: float) -> bool:
        """Looks whether it goes on.

        Args:
            silent_seconds: How long it has been silent.

        Returns:
            True.

        Raises:
            EngineAwayError: If nothing has shown that for too long.
        """
        try:
            if self._shows_life():
                self._seen = self._now()
        except ContainerError:
            pass  # the daemon is away, perhaps for a moment
        if min(silent_seconds, self._now() - self._seen) > self._seconds:
            raise EngineAwayError(
                f"{self._what}: the Docker daemon has said nothing of it for {self._seconds / 60:g} minutes; "
                "see whether it is well, and start again"
            )
        return True
