"""Removes what a build has left while something else goes on: a daemon may take as long for that as for the build."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ....system.interrupts import uninterrupted

_begun: ContextVar[list[threading.Thread] | None] = ContextVar("begun", default=None)


@contextmanager
def removing_meanwhile() -> Iterator[None]:
    """Lets :func:`remove` return at once inside; in the end, waits for all that was to be removed."""
    threads: list[threading.Thread] = []
    token = _begun.set(threads)
    try:
        yield
    finally:
        _begun.reset(token)
        with uninterrupted():
            for thread in threads:
                thread.join()


def remove(what: Callable[[], object]) -> None:
    """Calls what removes something and raises nothing, to its end also where a key interrupts it."""
    threads = _begun.get()
    if threads is None:
        with uninterrupted():
            what()
        return
    thread = threading.Thread(target=what, name="removal")
    threads.append(thread)
    thread.start()
