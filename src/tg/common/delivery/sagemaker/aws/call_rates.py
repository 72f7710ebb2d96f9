"""How often each of AWS's operations is called, by all threads together."""

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
    # No number is published; one that leaves room for what else asks in the same account.
    "DescribeTrainingJob": 10,
    "StopTrainingJob": 5,
}
"""So many calls a second, below AWS's limits; an operation that is not named is called at once."""

_CREATE = "CreateTrainingJob"


class WaitInterruptedError(KeyboardInterrupt):
    """Another thread has ended a wait; what was waited for was not done."""


class CallRates:
    """Gives each call its time: a waiting one delays only those of the same operation, and they come in turn.

    The calls of an operation are evenly spaced, without bursts, so that in no second there are more than allowed.

    Args:
        per_second: So many calls a second, by the operation's name; by default :data:`PER_SECOND`.
        clock: What the time is taken from.

    Attributes:
        interrupted: When it is set, calls that create a job are not sent any more, nor are those in
            :meth:`interruptible`.
    """

    def __init__(self, per_second: Mapping[str, float] | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.interrupted = threading.Event()
        per_second = PER_SECOND if per_second is None else per_second
        self._spaces = {name: 1 / rate for name, rate in per_second.items()}
        self._next: dict[str, float] = {}
        # When the last calls were let go: so many are allowed in about a second.
        self._sent = {name: deque[float](maxlen=max(1, int(rate))) for name, rate in per_second.items()}
        self._lock = threading.Lock()
        self._thread = threading.local()

    @property
    def are_limited(self) -> bool:
        """Whether any operation has a rate."""
        return bool(self._spaces)

    def apply_to(self, session: Any) -> None:
        """Lets every call of a ``boto3.Session``'s clients wait for its time, each try of a call being one.

        Clients that have been made before are not affected. A session has only the rates that were applied first.
        """
        # Before a request is signed: a signature that has waited would be too old.
        session.events.register("before-sign", self._on_sign, unique_id="tg-call-rates")

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Lets all that this thread calls in the context be ended by :attr:`interrupted`: what only looks at things."""
        self._thread.is_interruptible = True
        try:
            yield
        finally:
            self._thread.is_interruptible = False

    def wait(self, operation: str, is_interruptible: bool = False) -> None:
        """Waits for the time of a call.

        Args:
            operation: Such as ``GetLogEvents``.
            is_interruptible: Whether :attr:`interrupted` ends that.

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
        """How long a call would wait now, in seconds."""
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
        """Lets a call go whose turn it is, or says how long it waits more: threads that wake late come all at once."""
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
        # A later try of the same call may come after one that has created the job.
        is_first = request.context.get("retries", {}).get("attempt", 1) == 1
        self.wait(operation_name, is_interruptible=operation_name == _CREATE and is_first)
