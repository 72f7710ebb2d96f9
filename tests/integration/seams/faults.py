"""The five things that go wrong with a call, each ordered for one call of one launcher."""

import threading
import time
from collections.abc import Collection
from enum import Enum

# Stands for the 30 s of the table: the patience of the tests' launchers is as much shorter.
AWAY_SECONDS = 0.6


class Fault(Enum):
    """What becomes of the calls of a name; the value is what the table calls it."""

    ONCE = "refused once"
    AWAY = "refused for 30 s"
    EVER = "refused for ever"
    HANGS = "hangs"
    LOST = "answer lost"


class Fate(Enum):
    """What becomes of one call."""

    PASSES = "passes"
    REFUSED = "refused"
    HANGS = "hangs"
    LOST = "lost"


class OrderedFault:
    """Lets calls go wrong until it is taken back; many threads may ask.

    Args:
        fault: How they go wrong.
        call: The name of the calls; ``None`` for all, each name by itself.
        spared: Names of calls that go well all the same.

    Attributes:
        names: The names of the calls that have met it.
        over: Set once it is taken back; what hangs goes on then.
    """

    def __init__(self, fault: Fault, call: str | None, spared: Collection[str] = ()) -> None:
        self.fault = fault
        self.call = call
        self.over = threading.Event()
        self.spared = spared
        self._lock = threading.Lock()
        self._first_at: dict[str, float] = {}

    @property
    def names(self) -> list[str]:
        return list(self._first_at)

    def decide(self, call: str) -> Fate:
        """Says what becomes of a call that comes now."""
        if self.call not in (None, call) or call in self.spared or self.over.is_set():
            return Fate.PASSES
        with self._lock:
            now, is_first = time.monotonic(), call not in self._first_at
            is_early = now - self._first_at.setdefault(call, now) < AWAY_SECONDS
        return {
            Fault.ONCE: Fate.REFUSED if is_first else Fate.PASSES,
            Fault.AWAY: Fate.REFUSED if is_early else Fate.PASSES,
            Fault.EVER: Fate.REFUSED,
            Fault.HANGS: Fate.HANGS,
            Fault.LOST: Fate.LOST if is_first else Fate.PASSES,
        }[self.fault]


class Calls:
    """Records the names of calls, and says of each what becomes of it.

    Args:
        ordered: What goes wrong; ``None`` for nothing.

    Attributes:
        names: The names in the order in which they first came.
    """

    def __init__(self, ordered: OrderedFault | None = None) -> None:
        self.names: list[str] = []
        self.ordered = ordered
        self._lock = threading.Lock()

    def take(self, name: str) -> Fate:
        """Takes a call."""
        with self._lock:
            if name not in self.names:
                self.names.append(name)
        return Fate.PASSES if self.ordered is None else self.ordered.decide(name)

    def wait_while_it_hangs(self) -> None:
        """Returns when the fault is taken back."""
        assert self.ordered is not None
        self.ordered.over.wait()
