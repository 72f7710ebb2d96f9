"""Reads what a daemon streams, and looks around while the stream is silent: a connection may be dead without a word."""

import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_SILENT_SECONDS = 10
# How much may be read ahead of who takes it.
_AHEAD = 10_000
_CUT_SECONDS = 1

_thread = threading.local()


def note_response(response: Any, stream: bool = False, **settings: Any) -> None:
    """Notes a response that is read bit by bit, by which its connection can be cut; a hook of ``requests``."""
    if stream:
        _thread.response = response


def read_watched(
    begin: Callable[[], Iterable[T]], look: Callable[[float], bool], silent_seconds: float = _SILENT_SECONDS
) -> Generator[T, None, None]:
    """Yields what a stream brings, and cuts its connection in the end.

    Args:
        begin: Begins the stream; another thread calls it and reads.
        look: Called each time that the stream has been silent for a while, with the seconds since it last brought
            something; returns whether more is waited for. What it raises is raised here.
        silent_seconds: How long it is silent before that is called, and between two calls.
    """
    items = SimpleQueue[tuple[T] | BaseException | None]()
    is_over = threading.Event()
    responses: list[Any] = []

    def read() -> None:
        try:
            stream = begin()
            responses.append(getattr(_thread, "response", None))
            for each in stream:
                items.put((each,))
                while items.qsize() > _AHEAD and not is_over.is_set():
                    is_over.wait(0.01)
                if is_over.is_set():
                    return
            items.put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised by who takes what is read
            items.put(error)

    reader = threading.Thread(target=read, name="stream", daemon=True)
    reader.start()
    try:
        last = time.monotonic()
        while True:
            try:
                item = items.get(timeout=silent_seconds)
            except Empty:
                if look(time.monotonic() - last):
                    continue
                return
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
            last = time.monotonic()
    finally:
        is_over.set()
        if reader.is_alive() and responses and responses[0] is not None:
            _cut(responses[0])
            reader.join(_CUT_SECONDS)


def _cut(response: Any) -> None:
    """Ends a connection while another thread reads from it; one that cannot be ended is left to that thread."""
    with suppress(OSError, AttributeError):
        connection = response.raw.connection
        # A response that ends its connection has the socket to itself.
        found = getattr(connection, "sock", None) or response.raw._fp.fp.raw._sock
        with suppress(OSError):  # a program's pipes are closed, but not shut down
            found.shutdown(socket.SHUT_RDWR)
        found.close()
