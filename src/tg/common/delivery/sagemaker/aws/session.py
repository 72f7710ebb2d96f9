"""The connection to AWS: region, renewable credentials, clients, and translated errors."""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ....errors import DeliveryError
from ..executor.job_patience import JobPatience, asks_once
from .call_rates import CallRates, WaitInterruptedError
from .errors import is_denied, is_expired, is_passing, translate

T = TypeVar("T")

_RETRY_VARIABLES = ("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS")
_ATTEMPTS = 6
# Who only looks has an answer within some ten seconds.
_HASTY_ATTEMPTS, _HASTY_SECONDS = 2, 4
# How many connections to one service are kept open.
_CONNECTIONS = 50


class AwsSession:
    """Makes clients on first use, and again when credentials have expired; many threads may use it.

    Args:
        region: The region; ``None`` for the profile's or the environment's.
        profile: The profile; ``None`` for the environment's.
        session: A ``boto3.Session``, or a function that makes one: it is called again when credentials have expired.
        patience_seconds: How long :meth:`follow` retries.
        pause_seconds: The pause between two tries.
        rates: The rates of calls; by default unlimited.

    Attributes:
        lock: Held while clients are made: boto3 cannot make two of one session at the same time.
        interrupted: Once set, :meth:`pause` ends, and waiting calls give up.
        clock: The source of time, that of the rates.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        patience_seconds: float = 900,
        pause_seconds: float = 5,
        rates: CallRates | None = None,
    ) -> None:
        self._region = region
        self._profile = profile
        self._given = session
        self._rates = rates or CallRates({})
        self.lock = threading.RLock()
        self.interrupted = self._rates.interrupted
        self.clock = self._rates.clock
        self._patience = JobPatience(patience_seconds, lambda: self.pause(pause_seconds), self.clock.monotonic)
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._seen: set[str] = set()
        self._identity: dict[str, str] | None = None
        self._identity_lock = threading.Lock()

    @property
    def session(self) -> Any:
        """The ``boto3.Session``.

        Raises:
            DeliveryError: If there is no such profile.
        """
        with self.lock:
            if self._session is None:
                self._session = self._make_session()
                if self._rates.are_limited:
                    self._rates.apply_to(self._session)
            return self._session

    @property
    def region(self) -> str:
        """The region.

        Raises:
            DeliveryError: If none is known.
        """
        region = self._region or self.session.region_name
        if not region:
            raise DeliveryError("no AWS region is known; set region, AWS_DEFAULT_REGION, or a region in the profile")
        return str(region)

    @property
    def account(self) -> str:
        """The account's number.

        Raises:
            DeliveryError: If the credentials are missing or not accepted.
        """
        return self._get_identity()["Account"]

    @property
    def caller(self) -> str:
        """The ARN of the user, or of the role's session, whose credentials are used."""
        return self._get_identity()["Arn"]

    @property
    def partition(self) -> str:
        """The partition of the region, ``aws`` nearly everywhere."""
        return str(self.session.get_partition_for_region(self.region))

    def client(self, service: str) -> Any:
        """A service's client, such as ``s3``. It may be used until an error is raised through :meth:`call`."""
        with self.lock:
            if service not in self._clients:
                from botocore.config import Config

                # Settings from variables are not overridden.
                is_set = any(os.environ.get(name) for name in _RETRY_VARIABLES)
                retries = {} if is_set else {"retries": {"mode": "standard", "total_max_attempts": _ATTEMPTS}}
                config = Config(max_pool_connections=_CONNECTIONS, **retries)
                self._clients[service] = self.session.client(service, region_name=self.region, config=config)
            return self._clients[service]

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Calls a function that uses this session; again with fresh credentials if the old ones have expired.

        Args:
            what: What fails; an error begins with it.
            function: Takes its clients from this session each time it is called.

        Raises:
            DeliveryError: If AWS does not do it.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        used = self._session
        try:
            try:
                return function()
            except (BotoCoreError, ClientError) as e:
                if not is_expired(e):
                    raise
                self.renew(used)
                return function()
        except (BotoCoreError, ClientError) as e:
            raise translate(e, what) from e

    def follow(self, job_id: str, function: Callable[[], T], waits_for_permission: bool = True) -> T:
        """Calls a function that queries a job; again and again while credentials, the network or AWS are unavailable.

        Args:
            job_id: The job, which goes on meanwhile.
            function: Takes its clients from this session, too.
            waits_for_permission: Whether a missing permission may come back, as for a job that could be seen before.

        Raises:
            JobUnreachableError: If that lasts too long.
            DeliveryError: If AWS refuses it, and the job has not been seen before.
            WaitInterruptedError: A ``KeyboardInterrupt``, if :attr:`interrupted` is set meanwhile.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        used = self._session

        def ask() -> T:
            nonlocal used
            used = self._session
            return function()

        def explain(error: Exception) -> DeliveryError:
            if not isinstance(error, (BotoCoreError, ClientError)):
                raise error
            problem = translate(error, f"job {job_id!r} cannot be looked at")
            may_return = waits_for_permission and job_id in self._seen and is_denied(error)
            if not (is_expired(error) or is_passing(error) or may_return):
                raise problem from error
            if is_expired(error):
                self.renew(used)
            return problem

        result = self._patience.ask(ask, explain)
        self.note_job(job_id)
        return result

    def note_job(self, job_id: str) -> None:
        """Notes that there is a job: a permission that is missing for it from now on may come back."""
        self._seen.add(job_id)

    def pause(self, seconds: float) -> None:
        """Waits.

        Raises:
            WaitInterruptedError: If :attr:`interrupted` is set.
        """
        if self.clock.wait(self.interrupted, seconds):
            raise WaitInterruptedError("another thread has interrupted this one")

    def renew(self, used: Any = None) -> None:
        """Drops clients and credentials: both are made again, from the profile, the environment or the function.

        Args:
            used: The session whose credentials have expired; if another thread has renewed it, nothing is done.
        """
        with self.lock:
            if used is None or used is self._session:
                self._session = None
                self._clients = {}

    def _make_session(self) -> Any:
        import boto3
        from botocore.exceptions import BotoCoreError

        if self._given is not None:
            return self._given() if callable(self._given) else self._given
        try:
            make = _make_hasty_session if asks_once() else boto3.Session
            return make(profile_name=self._profile, region_name=self._region)
        except BotoCoreError as e:
            raise translate(e, "AWS cannot be used") from e

    def _get_identity(self) -> dict[str, str]:
        with self._identity_lock:
            if self._identity is None:
                self._identity = self.call("AWS cannot be used", lambda: dict(self.client("sts").get_caller_identity()))
            return self._identity


def _make_hasty_session(**given: Any) -> Any:
    """Makes a ``boto3.Session`` all of whose clients give up after some seconds, also those that AWS's SDK makes."""
    import boto3
    from botocore.config import Config

    hasty = Config(
        connect_timeout=_HASTY_SECONDS,
        read_timeout=_HASTY_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _HASTY_ATTEMPTS},
    )

    class HastySession(boto3.Session):  # type: ignore[misc]
        def client(self, *names: Any, config: Any = None, **named: Any) -> Any:
            return super().client(*names, config=hasty if config is None else config.merge(hasty), **named)

    return HastySession(**given)
