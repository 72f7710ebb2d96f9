"""Does something again and again beside other work, without ever holding that up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_FIRST_SECONDS = 1
# How long the end waits for what is being done.
_PATIENCE_SECONDS = 5


@contextmanager
def repeating(
    action: Callable[[], object],
    seconds: float,
    name: str,
    finish: Callable[[], object] = lambda: None,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Iterator[None]:
    """Calls a function in a thread of its own while the context is open: after a second, and then every few seconds.

    What hangs is left behind.

    Args:
        action: The function; it must not raise.
        seconds: The pause between two calls.
        name: The thread's name.
        finish: Called after the last call, however the context is left; it must not raise either.
        patience_seconds: How long the last call and ``finish`` are waited for.
    """
    stopping = threading.Event()

    def repeat() -> None:
        pause = min(_FIRST_SECONDS, seconds)
        while not stopping.wait(pause):
            with suppress(KeyboardInterrupt):  # raised to end a wait of this thread; the user's is the main thread's
                action()
            pause = seconds
        with suppress(KeyboardInterrupt):
            finish()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(patience_seconds)
