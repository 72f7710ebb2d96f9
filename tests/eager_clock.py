"""A clock for many threads, on which minutes pass in no time."""

import heapq
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from tg.common.delivery.sagemaker.aws.clock import Clock

_TICK_SECONDS = 0.005


class EagerClock(Clock):
    """Its time stands still while a thread works, and goes on to the next moment that one waits for when all wait.

    A thread that waits for another one's lock seems to work, so the time goes on, too, when for some milliseconds the
    process has had nothing to do. A context, at whose end all who still wait meet an error.
    """

    def __init__(self) -> None:
        self._now, self._epoch = 0.0, time.time()
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._working = 0
        self._has_started = False
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "EagerClock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        if self._ticker.is_alive():
            self._ticker.join()
        with self._lock:
            while self._sleepers:
                heapq.heappop(self._sleepers)[2].set()

    def start(self) -> None:
        """Lets the time go on; until then it stands."""
        self._has_started = True
        self._ticker.start()

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return self._epoch + self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Waits; an event that is set meanwhile is seen when the time is over."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        if self._closed.is_set():
            raise RuntimeError("the clock has been closed")
        woken = threading.Event()
        with self._lock:
            self._count += 1
            heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), self._count, woken))
            self._working -= 1
            self._go_on_if_all_wait()
        woken.wait()
        if self._closed.is_set():
            raise RuntimeError("the clock has been closed")

    @contextmanager
    def working(self) -> Iterator[None]:
        """Says that a thread works while the context is open, unless it waits by this clock."""
        with self._lock:
            self._count += 1
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._count += 1
                self._working -= 1
                self._go_on_if_all_wait()

    def count_sleepers(self) -> int:
        """How many threads wait."""
        return len(self._sleepers)

    def _go_on_if_all_wait(self) -> None:
        if self._has_started and self._working <= 0:
            self._go_on()

    def _go_on(self) -> None:
        if self._sleepers:
            self._now, _, woken = heapq.heappop(self._sleepers)
            self._count += 1
            self._working += 1
            woken.set()

    def _tick(self) -> None:
        count, used_seconds = -1, None
        while not self._closed.wait(_TICK_SECONDS):
            with self._lock:
                if count != self._count:
                    count, used_seconds = self._count, None
                    continue
                # Only then: the kernel adds up what a thousand threads have used.
                before, used_seconds = used_seconds, time.process_time()
                if before is not None and used_seconds - before < _TICK_SECONDS / 10:
                    self._go_on()
