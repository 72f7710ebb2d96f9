"""A piece of a training's output."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class LogEvent:
    """A piece of a training's output, in the order in which it was written.

    Attributes:
        data: Bytes as the training wrote them; a line may be spread over several events.
        time_ms: When they were written, in milliseconds since 1970 (UTC).
        has_metrics: Whether metric lines in it count. They do not in the place's own messages, nor, if several machines
            train, in the output of all but the first one.
    """

    data: bytes
    time_ms: int
    has_metrics: bool = True


def skip_bytes(events: Iterator[LogEvent], count: int) -> Iterator[LogEvent]:
    """Skips the first ``count`` bytes of an output."""
    for event in events:
        if count < len(event.data):
            yield replace(event, data=event.data[count:]) if count else event
        count = max(0, count - len(event.data))
