"""A piece of what a training says."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class LogEvent:
    """A piece of a training's output, in the order in which it was written.

    Attributes:
        data: Bytes as the training wrote them; a line may be spread over several events.
        time_ms: When they were written, in milliseconds since 1970 (UTC).
    """

    data: bytes
    time_ms: int

    @staticmethod
    def of_line(text: str) -> "LogEvent":
        """Makes the event of one line, written now."""
        return LogEvent(f"{text}\n".encode(), time.time_ns() // 1_000_000)
