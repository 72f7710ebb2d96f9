"""The changes of a run's state that one process notes, and their form in the run.

The tag ``tg.events`` holds JSON: a list of ``[time, state, cause]``, the times in milliseconds since 1970 (UTC). Where
these were too many for one tag, ``[time, "…", "<count> more"]`` stands for some in the middle.
"""

import json
import threading
from collections.abc import Sequence
from typing import NamedTuple

# MLflow before 3.0 takes no more.
_LONGEST_TAG = 5000
_LEFT_OUT = "…"
_FIRST_KEPT = 5


class Event(NamedTuple):
    """A change of a run's state.

    Attributes:
        time_ms: When, in milliseconds since 1970 (UTC).
        state: What the run, or its job, has come to, such as ``queued``.
        cause: Why, in one line; empty if there is nothing to say.
    """

    time_ms: int
    state: str
    cause: str


class Timeline:
    """The timeline of a run, as far as this process knows it.

    Args:
        stored: What the run has; ``None`` if that is not known.

    Attributes:
        stored: The same, as it becomes known.
        pending: What it is still to get.
        stop_reason: Why its job is being stopped, in one line; ``None`` if it is not, or as far as nobody has said so.
        lock: Held by who reads or changes the events, for a moment.
        sending: Held by who writes them into the run.
    """

    def __init__(self, stored: Sequence[Event] | None = None) -> None:
        self.stop_reason: str | None = None
        self.stored: list[Event] | None = None if stored is None else list(stored)
        self.pending: list[Event] = []
        self.lock = threading.Lock()
        self.sending = threading.Lock()

    def has(self, event: Event) -> bool:
        """Whether an event was noted before, perhaps with another cause: what a place says of one may change."""
        known = [*self.pending, *(self.stored or ())]
        return any(each[:2] == event[:2] for each in known)


def format_events(events: Sequence[Event]) -> str:
    """Formats events as the tag's value; leaves out some in the middle if there are too many."""
    text = _encode(events)
    if len(text) <= _LONGEST_TAG:
        return text
    first, rest = list(events[:_FIRST_KEPT]), list(events[_FIRST_KEPT:])
    room = _LONGEST_TAG - len(_encode([*first, Event(rest[0].time_ms, _LEFT_OUT, f"{len(rest)} more")]))
    kept: list[Event] = []  # the latest ones say more
    while room >= (size := len(_encode(rest[-1:]))):
        kept.insert(0, rest.pop())
        room -= size
    return _encode([*first, Event(rest[-1].time_ms, _LEFT_OUT, f"{len(rest)} more"), *kept])


def _encode(events: Sequence[Event]) -> str:
    return json.dumps(events, ensure_ascii=False, separators=(",", ":"))


def parse_events(text: str) -> list[Event]:
    """Parses what :func:`format_events` has formatted; of a damaged text, what can be read."""
    try:
        items = json.loads(text or "[]")
    except ValueError:
        return []
    return [event for item in (items if isinstance(items, list) else []) if (event := _parse_event(item)) is not None]


def _parse_event(item: object) -> Event | None:
    match item:
        case [int() as time_ms, str() as state, str() as cause]:
            return Event(time_ms, state, cause)
    return None
