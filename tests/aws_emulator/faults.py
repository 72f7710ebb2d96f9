"""What can go wrong on AWS's side, switched on and off while the emulator runs."""

import threading
from collections.abc import Callable
from fnmatch import fnmatchcase

from tests.aws_emulator.api_call import ApiCall


class Faults:
    """Operations are such as ``sagemaker:CreateTrainingJob``, or a pattern, such as ``logs:*``.

    Attributes:
        start_seconds: How long a job stays in ``Starting``.
        log_delay_seconds: How long after it was written an event can be read, also after the job's end.
        withhold_logs: Whether what jobs write reaches no log stream at all.
        capacity_errors: Instance types of which there are none: their jobs fail with a ``CapacityError``.
        expired_keys: Access key ids whose token has expired: every call that is signed with them is refused.
        quotas: By instance type, how many instances unfinished jobs may have.
        policy: Says of every call whether the caller has the permission for it; ``None`` for the permission for all.
    """

    def __init__(self) -> None:
        self.start_seconds = 0.0
        self.log_delay_seconds = 0.0
        self.withhold_logs = False
        self.capacity_errors: set[str] = set()
        self.expired_keys: set[str] = set()
        self.quotas: dict[str, int] = {}
        self.policy: Callable[[ApiCall], bool] | None = None
        self.may_start = threading.Event()
        self.may_start.set()
        self.may_end = threading.Event()
        self.may_end.set()
        self._lock = threading.Lock()
        self._denied: set[str] = set()
        self._delays: dict[str, float] = {}
        self._counted: list[tuple[str, str, list[int]]] = []

    def throttle(self, operation: str, calls: int = 1) -> None:
        """Answers the next calls of an operation with "Rate exceeded"."""
        self._count("throttle", operation, calls)

    def break_down(self, operation: str, calls: int = 1) -> None:
        """Answers the next calls of an operation with an internal error, status 500."""
        self._count("break_down", operation, calls)

    def lose_answer(self, operation: str, calls: int = 1) -> None:
        """Does what the next calls of an operation ask for, and answers with an internal error all the same."""
        self._count("lose_answer", operation, calls)

    def empty_pages(self, calls: int = 1) -> None:
        """Answers the next ``GetLogEvents`` with no events and a new token, whatever there is."""
        self._count("empty_page", "logs:GetLogEvents", calls)

    def refuse_jobs(self, calls: int = 1) -> None:
        """Answers the next ``CreateTrainingJob`` with ``ResourceLimitExceeded``."""
        self._count("refuse_job", "sagemaker:CreateTrainingJob", calls)

    def deny(self, operation: str) -> None:
        """Takes away the permission for an operation, or an action, such as ``s3:ListBucket``."""
        self._denied.add(operation)

    def allow(self, operation: str) -> None:
        """Gives it back."""
        self._denied.discard(operation)

    def slow_down(self, operation: str, seconds: float) -> None:
        """Lets every answer to an operation wait; 0 for no longer."""
        self._delays[operation] = seconds

    def hold_starts(self) -> None:
        """Keeps jobs in ``Starting``, and those that are interrupted so, until :meth:`release_starts`."""
        self.may_start.clear()

    def release_starts(self) -> None:
        """Lets held jobs go on."""
        self.may_start.set()

    def hold_ends(self) -> None:
        """Keeps jobs that have trained in ``Uploading`` until :meth:`release_ends`."""
        self.may_end.clear()

    def release_ends(self) -> None:
        """Lets held jobs end."""
        self.may_end.set()

    def is_denied(self, operation: str) -> bool:
        """Whether the permission for it was taken away."""
        return any(fnmatchcase(operation, pattern) for pattern in tuple(self._denied))

    def delay_of(self, operation: str) -> float:
        """How long an answer waits, in seconds."""
        return max((s for pattern, s in tuple(self._delays.items()) if fnmatchcase(operation, pattern)), default=0.0)

    def take(self, kind: str, operation: str) -> bool:
        """Whether a call meets a fault that was ordered for a number of calls; it then counts."""
        with self._lock:
            for ordered, pattern, left in self._counted:
                if ordered == kind and left[0] > 0 and fnmatchcase(operation, pattern):
                    left[0] -= 1
                    return True
        return False

    def _count(self, kind: str, operation: str, calls: int) -> None:
        with self._lock:
            self._counted.append((kind, operation, [calls]))
