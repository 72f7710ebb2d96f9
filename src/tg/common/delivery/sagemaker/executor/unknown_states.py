"""Watches jobs whose service calls their state by a word that this version does not know."""

import time
from collections.abc import Callable

from ....errors import JobUnreachableError
from ....logger import Logger


class UnknownStates:
    """Lets such a job count as running for some time: it has neither ended, as far as known, nor is it to be stopped.

    Args:
        service: The service's name, such as ``SageMaker``.
        seconds: How long a job may be in unknown states.
        now: The present time in seconds.
    """

    def __init__(self, service: str, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._seconds = seconds
        self._now = now
        self._since: dict[str, float] = {}

    def note(self, job_id: str, word: str | None) -> None:
        """Notes the state of a job; a warning tells the first unknown one.

        Args:
            job_id: The job.
            word: What the service calls its state; ``None`` if that is known.

        Raises:
            JobUnreachableError: If it has been unknown for too long.
        """
        if word is None:
            self._since.pop(job_id, None)
            return
        problem = f"{self._service} says that job {job_id!r} is {word!r}, which this version of tg-mlflow does not know"
        if job_id not in self._since:
            self._since[job_id] = self._now()
            Logger.warning(f"{problem}; waiting up to {self._seconds / 60:g} minutes for another state")
        elif self._now() - self._since[job_id] > self._seconds:
            raise JobUnreachableError(f"{problem}; it may go on, and can be followed again with a newer version")
