"""Does something again and again beside other work, without ever holding that up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

    If something is raised inside that ends the process or the work at once, such as an interrupt, nothing is waited
    for. What hangs is left behind.

    Args:
        action: The function; it must not raise.
        seconds: The pause between two calls.
        name: The thread's name.
        finish: Called after the last call when the context is left in any other way.
        patience_seconds: How long that is waited for.
    """
    stopping, is_cut_short = threading.Event(), threading.Event()

    def repeat() -> None:
        pause = min(_FIRST_SECONDS, seconds)
        while not stopping.wait(pause):
            action()
            pause = seconds
        if not is_cut_short.is_set():
            finish()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            is_cut_short.set()
        raise
    finally:
        stopping.set()
        if not is_cut_short.is_set():
            thread.join(patience_seconds)
