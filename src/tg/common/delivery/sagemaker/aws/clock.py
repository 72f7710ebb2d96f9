"""Time and waiting, as an argument of all code that is paced."""

import threading
import time


class Clock:
    """The machine's time. Many threads may use it."""

    def monotonic(self) -> float:
        """Returns monotonic seconds since some moment."""
        return time.monotonic()

    def time(self) -> float:
        """Returns seconds since 1970."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Waits until an event is set or the time is over; returns whether the event is set."""
        return event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)
