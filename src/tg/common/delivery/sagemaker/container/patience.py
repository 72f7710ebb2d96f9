"""Waits for a Docker daemon that does not answer while the jobs in its containers go on."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ....errors import DeliveryError
from ...delivery.image.docker_client import DockerClient, EngineAwayError
from ..contract.log_event import LogEvent
from ..executor.job_patience import JobPatience
from .log import follow_log

T = TypeVar("T")


class EnginePatience:
    """Asks again while the daemon is away, about jobs that are being followed; about others it asks once.

    Args:
        seconds: How long it may be away.
        pause_seconds: The pause between two tries.
    """

    def __init__(self, seconds: float = 900, pause_seconds: float = 1) -> None:
        self._patience = JobPatience(seconds, lambda: time.sleep(pause_seconds))
        self._followed: set[str] = set()

    def follow(
        self,
        client: DockerClient,
        job_id: str,
        position: int,
        follow: bool,
        may_restart: Callable[[], bool] = lambda: False,
    ) -> Iterator[LogEvent]:
        """Yields a container's log, as :func:`follow_log` does; goes on where it broke off when the daemon is back.

        Raises:
            JobUnreachableError: If the daemon is away for too long.
            EngineAwayError: If it is away, and more output is not waited for.
        """
        events: Iterator[LogEvent] | None = None

        def read() -> LogEvent | None:
            nonlocal events
            events = events or follow_log(client, job_id, position, follow, may_restart)
            try:
                return next(events, None)
            except EngineAwayError:
                events = None  # it has ended by that
                raise

        if follow:
            self._followed.add(job_id)
        while (event := self.ask(job_id, read) if follow else read()) is not None:
            position += len(event.data)
            yield event

    def ask(self, job_id: str, function: Callable[[], T]) -> T:
        """Calls a function that asks the daemon about a job.

        Raises:
            JobUnreachableError: If the daemon is away for too long.
            EngineAwayError: If it is away, and the job is not being followed.
        """

        def explain(error: Exception) -> DeliveryError:
            if not isinstance(error, EngineAwayError) or job_id not in self._followed:
                raise error
            return error

        return self._patience.ask(function, explain)
