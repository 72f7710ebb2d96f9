"""Lets what must not be left half done come to its end, though someone presses Ctrl-C meanwhile."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Whatever hangs for longer than this can be interrupted again.
_PATIENCE_SECONDS = 30
_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class HeldInterrupts:
    """Knows whether there was an interrupt that has not been raised.

    Attributes:
        any: Whether there was.
    """

    def __init__(self) -> None:
        self.any = False

    def raise_any(self) -> None:
        """Raises what was held back.

        Raises:
            KeyboardInterrupt: If there was an interrupt.
        """
        if self.any:
            raise KeyboardInterrupt


@contextmanager
def uninterrupted(patience_seconds: float = _PATIENCE_SECONDS) -> Iterator[HeldInterrupts]:
    """Holds back Ctrl-C, and SIGTERM where that is treated alike, while the context is open: for a clean-up that an
    impatient user must not cut short, or a step whose outcome has to be known.

    Only the main thread receives signals; elsewhere this changes nothing.

    Args:
        patience_seconds: How long interrupts are held back; a later one is raised.

    Raises:
        KeyboardInterrupt: For an interrupt that comes when the patience is over.
    """
    held = HeldInterrupts()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    end = time.monotonic() + patience_seconds

    def hold(number: int, frame: FrameType | None) -> None:
        held.any = True
        if time.monotonic() > end:
            raise KeyboardInterrupt

    # What would end the process without a word, as it does by default for SIGTERM, or is ignored, stays so.
    previous = {number: handler for number in _NUMBERS if callable(handler := signal.getsignal(number))}
    for number in previous:
        signal.signal(number, hold)
    try:
        yield held
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
