"""An account of AWS that many executors of one process share: one session, one pace, one cache."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ....errors import DeliveryError
from ..aws.call_rates import CallRates
from ..aws.session import AwsSession
from ..executor.job_state import JobStatus
from ..executor.place_options import PlaceOptions
from .job_board import JobBoard
from .pacing import Pacing

T = TypeVar("T")


@dataclass(frozen=True)
class AccountOptions(PlaceOptions):
    """The options of jobs on SageMaker.

    Attributes:
        region: The AWS region; ``None`` for that of the profile or of ``AWS_DEFAULT_REGION``.
        profile: A profile of AWS's configuration files; ``None`` for that of ``AWS_PROFILE`` or the SDK's.
        metrics_from: Whose metrics count where several machines train: ``leader`` or ``all``.

    Raises:
        DeliveryError: If ``metrics_from`` is something else.
    """

    region: str | None = None
    profile: str | None = None
    metrics_from: str = "leader"

    def __post_init__(self) -> None:
        if self.metrics_from not in ("leader", "all"):
            raise DeliveryError(f"metrics_from is {self.metrics_from!r}; give 'leader' or 'all'")


class SharedAccount:
    """Lets many jobs run at the same time: executors that share it keep AWS's limits together.

    It is thread-safe. What jobs of the same options, package and repository share is found, built and uploaded once,
    and cached for the lifetime of this object; so create one for a sweep, not for a notebook.

    Args:
        region: The region; ``None`` for the profile's or the environment's.
        profile: The profile; ``None`` for the environment's.
        session: A ``boto3.Session`` that has made no clients yet, or a function that makes one and is called again when
            credentials have expired.
        pacing: How often jobs are polled.
        rates: The rates of calls; by default below AWS's limits.

    Attributes:
        interrupted: Set by another thread, it ends all waiting: submits raise ``KeyboardInterrupt`` at once and leave
            no job, and so do followed logs, and calls that wait for credentials or the network. Running jobs go on;
            they can be queried and stopped, and their logs read.
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
        """Checks that options are for this account.

        Raises:
            DeliveryError: If they name another region or profile.
        """
        if region is not None and region != self.aws.region:
            raise DeliveryError(f"region is {region!r}, and the shared account's is {self.aws.region!r}; take one")
        if profile is not None and profile != self._profile:
            raise DeliveryError(f"profile is {profile!r}, and the shared account's is {self._profile!r}; take one")

    def statuses(self) -> dict[str, JobStatus]:
        """Returns the state of each queried job, by id; at most some 20 seconds old, however many.

        Raises:
            JobUnreachableError: If AWS is unavailable for too long.
        """
        return self.board.statuses()

    def count_followers(self) -> int:
        """Returns how many logs are being followed."""
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
        """Returns the cached result of ``make`` for this key; other threads wait for it, and retry if it fails."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = make()
            result: T = self._results[key]
            return result
