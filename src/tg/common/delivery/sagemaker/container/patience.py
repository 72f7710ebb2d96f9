"""Waits for a Docker daemon that does not answer while the jobs in its containers go on."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ....errors import JobUnreachableError
from ....logger import Logger
from ...delivery.image.docker_client import DockerClient, EngineAwayError
from ..contract.log_event import LogEvent
from .log import container_status, follow_log

T = TypeVar("T")


class EnginePatience:
    """Asks again while the daemon is away, about jobs that are being followed; about others it asks once.

    Args:
        seconds: How long it may be away.
        pause_seconds: The pause between two tries.
    """

    def __init__(self, seconds: float = 900, pause_seconds: float = 1) -> None:
        self._seconds = seconds
        self._pause_seconds = pause_seconds
        self._followed: set[str] = set()

    def follow(self, client: DockerClient, job_id: str, position: int, follow: bool) -> Iterator[LogEvent]:
        """Yields a container's log, as :func:`follow_log` does; goes on where it broke off when the daemon is back.

        Raises:
            JobUnreachableError: If the daemon is away for too long.
            EngineAwayError: If it is away, and more output is not waited for.
        """
        if follow:
            self._followed.add(job_id)
        events = follow_log(client, job_id, position, follow)
        while True:
            try:
                event = next(events, None)
            except EngineAwayError:
                if not follow:
                    raise
                self.ask(job_id, lambda: container_status(client, job_id))
                events = follow_log(client, job_id, position, follow)
                continue
            if event is None:
                return
            position += len(event.data)
            yield event

    def ask(self, job_id: str, function: Callable[[], T]) -> T:
        """Calls a function that asks the daemon about a job.

        Raises:
            JobUnreachableError: If the daemon is away for too long.
            EngineAwayError: If it is away, and the job is not being followed.
        """
        deadline, is_told = time.monotonic() + self._seconds, False
        while True:
            try:
                return function()
            except EngineAwayError as error:
                if job_id not in self._followed:
                    raise
                if time.monotonic() > deadline:
                    raise JobUnreachableError(f"{error}; job {job_id!r} goes on") from error
                if not is_told:
                    is_told = True
                    Logger.warning(f"{error}; waiting up to {self._seconds / 60:g} minutes for it, as the job goes on")
                time.sleep(self._pause_seconds)
