"""Limits the rate of each of AWS's operations, for all threads together."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .clock import Clock

PER_SECOND: Mapping[str, float] = {
    # CloudWatch Logs: 25, 25 and 5 for an account and region (user guide, "CloudWatch Logs quotas").
    "GetLogEvents": 20,
    "DescribeLogStreams": 15,
    "FilterLogEvents": 4,
    # A quota of 2 that cannot be raised (https://github.com/aws-solutions/deepracer-on-aws/issues/87).
    "ListTrainingJobs": 1.5,
    # There is a quota for it, "Rate of CreateTrainingJob requests", whose value is not published; five processes that
    # create jobs at the same time are refused (https://github.com/aws/sagemaker-python-sdk/issues/645).
    "CreateTrainingJob": 5,
    # No number is published; this leaves room for other callers in the same account.
    "DescribeTrainingJob": 10,
    "StopTrainingJob": 5,
}
"""Calls per second, below AWS's limits; an operation without a rate is called at once."""

_CREATE = "CreateTrainingJob"


class WaitInterruptedError(KeyboardInterrupt):
    """Another thread has interrupted a wait; the awaited action was not done."""


class CallRates:
    """Schedules calls: a waiting call delays only those of the same operation, which come in turn.

    The calls of an operation are evenly spaced, without bursts, so that no second has more than allowed.

    Args:
        per_second: Calls per second, by the operation's name; by default :data:`PER_SECOND`.
        clock: The source of time.

    Attributes:
        interrupted: Once set, calls that create a job are no longer sent, nor are those in :meth:`interruptible`.
    """

    def __init__(self, per_second: Mapping[str, float] | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.interrupted = threading.Event()
        per_second = PER_SECOND if per_second is None else per_second
        self._spaces = {name: 1 / rate for name, rate in per_second.items()}
        self._next: dict[str, float] = {}
        # The times of the last calls, as many as are allowed in about a second.
        self._sent = {name: deque[float](maxlen=max(1, int(rate))) for name, rate in per_second.items()}
        self._lock = threading.Lock()
        self._thread = threading.local()

    @property
    def are_limited(self) -> bool:
        """Whether any operation has a rate."""
        return bool(self._spaces)

    def apply_to(self, session: Any) -> None:
        """Makes every call of a ``boto3.Session``'s clients wait for its time; each retry counts as a call.

        Existing clients are not affected. A session keeps the rates that were applied first.
        """
        # Before a request is signed: a signature would expire while waiting.
        session.events.register("before-sign", self._on_sign, unique_id="tg-call-rates")

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Makes this thread's calls in the context interruptible by :attr:`interrupted`; for calls that only read."""
        self._thread.is_interruptible = True
        try:
            yield
        finally:
            self._thread.is_interruptible = False

    def wait(self, operation: str, is_interruptible: bool = False) -> None:
        """Waits for the time of a call.

        Args:
            operation: Such as ``GetLogEvents``.
            is_interruptible: Whether :attr:`interrupted` ends the wait.

        Raises:
            WaitInterruptedError: If it is interrupted.
        """
        is_interruptible = is_interruptible or getattr(self._thread, "is_interruptible", False)
        delay = self._reserve(operation)
        while True:
            if is_interruptible:
                if self.clock.wait(self.interrupted, delay):
                    raise WaitInterruptedError(f"{operation} was interrupted")
            elif delay > 0:
                self.clock.sleep(delay)
            delay = self._go(operation)
            if delay <= 0:
                return

    def delay_of(self, operation: str) -> float:
        """Returns how long a call would wait now, in seconds."""
        with self._lock:
            return max(0.0, self._next.get(operation, 0.0) - self.clock.monotonic())

    def _reserve(self, operation: str) -> float:
        space = self._spaces.get(operation)
        if space is None:
            return 0.0
        with self._lock:
            now = self.clock.monotonic()
            turn = max(now, self._next.get(operation, 0.0))
            self._next[operation] = turn + space
            return turn - now

    def _go(self, operation: str) -> float:
        """Releases a call whose turn it is, or returns its further wait: threads that wake late come all at once."""
        if operation not in self._spaces:
            return 0.0
        with self._lock:
            sent, now = self._sent[operation], self.clock.monotonic()
            if len(sent) == sent.maxlen:
                delay = sent[0] + len(sent) * self._spaces[operation] - now
                if delay > 0:
                    return delay
            sent.append(now)
            return 0.0

    def _on_sign(self, request: Any, operation_name: str, **_: Any) -> None:
        # A retry of the same call may follow a try that has created the job.
        is_first = request.context.get("retries", {}).get("attempt", 1) == 1
        self.wait(operation_name, is_interruptible=operation_name == _CREATE and is_first)
