"""Keeps what clients have called."""

from bisect import bisect_left
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from tests.aws_emulator.s3_operations import name_action


class Call(NamedTuple):
    """One answered call of an AWS API; ``time`` is of ``time.monotonic()``, in seconds."""

    time: float
    service: str
    operation: str
    status: int

    @property
    def name(self) -> str:
        """Service and operation, such as ``s3:ListObjectsV2``."""
        return f"{self.service}:{self.operation}"

    @property
    def action(self) -> str:
        """The permission that the call needs, such as ``s3:ListBucket``."""
        return name_action(self.service, self.operation)


class CallRecord(list[Call]):
    """All calls in the order in which they came; patterns are such as ``logs:*``."""

    def of(self, pattern: str) -> list[Call]:
        """The calls whose name a pattern matches."""
        return [call for call in self._now() if fnmatchcase(call.name, pattern)]

    def names(self) -> set[str]:
        """What was called at all, such as ``{"s3:PutObject"}``."""
        return {call.name for call in self._now()}

    def actions(self) -> set[str]:
        """The permissions that all calls together need, but for ``iam:PassRole``."""
        return {call.action for call in self._now()}

    def peak(self, pattern: str, seconds: float = 1.0) -> int:
        """The highest number of calls in any span of ``seconds``."""
        times = sorted(call.time for call in self.of(pattern))
        return max((i + 1 - bisect_left(times, time - seconds) for i, time in enumerate(times)), default=0)

    def _now(self) -> Iterator[Call]:
        return iter(self[:])  # the server's threads may append at any time
