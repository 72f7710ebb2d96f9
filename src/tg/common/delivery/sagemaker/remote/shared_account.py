"""An account of AWS that many executors of one process use: one session, one pace, and what was found out once."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ....errors import DeliveryError
from ..aws.call_rates import CallRates
from ..aws.session import AwsSession
from ..executor.job_state import JobStatus
from .job_board import JobBoard
from .pacing import Pacing

T = TypeVar("T")


class SharedAccount:
    """Lets many jobs be trained at the same time: executors that are given it keep AWS's limits together.

    All may be used by many threads. What is the same for jobs of the same options, package and repository is found out,
    built and uploaded once, and remembered as long as this object lives; so make one for a sweep, not for a notebook.

    Args:
        region: The region; ``None`` for the profile's or the environment's.
        profile: The profile; ``None`` for the environment's.
        session: A ``boto3.Session`` that has made no clients yet, or a function that makes one and is called again when
            credentials have expired.
        pacing: How often jobs are looked at.
        rates: How often what is called; by default below AWS's limits.

    Attributes:
        interrupted: Set by another thread, it ends what waits: submits raise ``KeyboardInterrupt`` at once and leave no
            job, and so do logs that are followed, and whoever waits for credentials or the network. Jobs that run go
            on; they can be looked at, stopped and their logs read.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        pacing: Pacing | None = None,
        rates: CallRates | None = None,
    ) -> None:
        self.pacing = pacing or Pacing()
        self.rates = rates or CallRates()
        self.aws = AwsSession(region, profile, session, self.pacing.patience_seconds, rates=self.rates)
        self.board = JobBoard(self.aws, self.pacing, self.rates)
        self.interrupted = self.aws.interrupted
        self._profile = profile
        self._followers = 0
        self._lock = threading.Lock()
        self._results: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}

    def check(self, region: str | None, profile: str | None) -> None:
        """Checks that options mean this account.

        Raises:
            DeliveryError: If they name another region or profile.
        """
        if region is not None and region != self.aws.region:
            raise DeliveryError(f"region is {region!r}, and the shared account's is {self.aws.region!r}; take one")
        if profile is not None and profile != self._profile:
            raise DeliveryError(f"profile is {profile!r}, and the shared account's is {self._profile!r}; take one")

    def statuses(self) -> dict[str, JobStatus]:
        """How each job stands that an executor has asked for, by id; at most some 20 seconds old, however many.

        Raises:
            JobUnreachableError: If AWS is away for too long.
        """
        return self.board.statuses()

    def count_followers(self) -> int:
        """How many logs are being followed."""
        return self._followers

    @contextmanager
    def following(self) -> Iterator[None]:
        """Counts a log as followed while the context is open."""
        with self._lock:
            self._followers += 1
        try:
            yield
        finally:
            with self._lock:
                self._followers -= 1

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` has returned for this key; others wait for who makes it, and try themselves if that fails."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = make()
            result: T = self._results[key]
            return result
