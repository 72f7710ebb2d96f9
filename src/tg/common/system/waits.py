"""Says what this thread waits for, so that whoever asks from outside can be told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Called with what is waited for, the inner of several waits, or with ``None`` when that is over.
Tell = Callable[[str | None], object]

_tell: ContextVar[Tell | None] = ContextVar("tell", default=None)
_waited_for: ContextVar[str | None] = ContextVar("waited_for", default=None)


@contextmanager
def telling_waits(tell: Tell) -> Iterator[None]:
    """Calls a function at the beginning and at the end of each wait of this thread while the context is open."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Says that this thread waits for something while the context is open.

    Args:
        what: What it waits for, in one line, such as ``its image``.
    """
    tell, outer = _tell.get(), _waited_for.get()
    token = _waited_for.set(what)
    try:
        if tell is not None:
            tell(what)
        yield
    finally:
        _waited_for.reset(token)
        if tell is not None:
            tell(outer)
