"""A piece of a training's output."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple


class JobStep(NamedTuple):
    """What a job has come to, in the words of its place.

    Attributes:
        status: Such as ``Downloading`` or ``Interrupted``.
        message: What the place says of it; may be empty.
    """

    status: str
    message: str


@dataclass(frozen=True)
class LogEvent:
    """A piece of a training's output, in the order in which it was written.

    Attributes:
        data: Bytes as the training wrote them; a line may be spread over several events.
        time_ms: When they were written, in milliseconds since 1970 (UTC).
        has_metrics: Whether metric lines in it count. They do not in the place's own messages, nor, if several machines
            train, in the output of all but the first one.
        host: The machine that has written it, if that is another one than the first.
        attempt: Which start of the job it is from, where the place keeps the output of each by itself; else 1.
        step: What the job has come to, if that is what it says.
    """

    data: bytes
    time_ms: int
    has_metrics: bool = True
    host: str | None = None
    attempt: int = 1
    step: JobStep | None = None


def skip_bytes(events: Iterator[LogEvent], count: int) -> Iterator[LogEvent]:
    """Skips the first ``count`` bytes of an output."""
    for event in events:
        if count < len(event.data):
            yield replace(event, data=event.data[count:]) if count else event
        count = max(0, count - len(event.data))
