"""``sys.stdout`` and ``sys.stderr`` of a process that is both a training and its launcher."""

import codecs
import io
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO


class TrainingThreads:
    """Distinguishes a training's threads from its launcher's: the current one, and those that it starts.

    Threads that libraries start without Python are the training's.
    """

    def __init__(self) -> None:
        self._others = weakref.WeakSet(threading.enumerate())
        self._others.discard(threading.current_thread())

    def leave_out(self, thread: threading.Thread) -> None:
        """Marks a thread as the launcher's."""
        self._others.add(thread)

    def has_current(self) -> bool:
        """Returns whether the caller is one of the training's threads."""
        return threading.current_thread() not in self._others

    @contextmanager
    def following(self) -> Iterator[None]:
        """Records the owner of each thread that is started while the context is open."""
        start, others = threading.Thread.start, self._others

        def start_noted(thread: threading.Thread) -> None:
            if threading.current_thread() in others:
                others.add(thread)
            start(thread)

        setattr(threading.Thread, "start", start_noted)  # noqa: B010 - the type of the method is not this one's
        try:
            yield
        finally:
            setattr(threading.Thread, "start", start)  # noqa: B010 - likewise


class Console:
    """The target of one of this process's streams, as long as somebody reads it.

    Args:
        stream: ``sys.stdout`` or ``sys.stderr``.
        descriptor: Its file descriptor if nobody has replaced it. Output then goes to that descriptor's present target,
            even if it is redirected later; other streams, such as a notebook's, get text.
    """

    def __init__(self, stream: TextIO | None, descriptor: int) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._file = os.fdopen(os.dup(descriptor), "wb") if _find_descriptor(stream) == descriptor else None

    def write(self, data: bytes) -> None:
        """Writes at once, without line buffering."""
        try:
            if self._file is not None:
                self._file.write(data)
                self._file.flush()
            elif self._stream is not None:
                self._stream.write(self._decoder.decode(data))
                self._stream.flush()
        except (OSError, ValueError):  # the terminal or the stream is closed: the training goes on
            self._stream = self._file = None

    def fileno(self) -> int:
        """Returns the file descriptor.

        Raises:
            OSError: If it has none.
        """
        descriptor = self._file.fileno() if self._file is not None else _find_descriptor(self._stream)
        if descriptor is None:
            raise io.UnsupportedOperation("fileno")
        return descriptor

    def close(self) -> None:
        """Closes what was opened for this."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


class _RoutedFile(io.RawIOBase):
    """Writes to a file descriptor from a training's threads, and to the console from other threads."""

    def __init__(self, descriptor: int, console: Console, threads: TrainingThreads) -> None:
        self._descriptor = descriptor
        self._console = console
        self._threads = threads

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor if self._threads.has_current() else self._console.fileno()

    def isatty(self) -> bool:
        try:
            return os.isatty(self.fileno())
        except OSError:
            return False

    def write(self, data: Any) -> int:
        content = bytes(data)
        if self._threads.has_current():
            write_whole(self._descriptor, content)
        else:
            self._console.write(content)
        return len(content)


def write_whole(descriptor: int, data: bytes) -> None:
    """Writes all of ``data`` to a file descriptor."""
    while data:
        data = data[os.write(descriptor, data) :]


@contextmanager
def routing_streams(out: Console, error: Console, threads: TrainingThreads) -> Iterator[None]:
    """Makes a training's threads write to the file descriptors 1 and 2, unbuffered, while the context is open.

    This works with any ``sys.stdout`` and ``sys.stderr``, and any logger that writes to them. Other threads write to
    the console.
    """
    previous = sys.stdout, sys.stderr
    errors = getattr(sys.__stdout__, "errors", None) or "strict"
    routed = (
        _open_text(_RoutedFile(1, out, threads), errors),
        _open_text(_RoutedFile(2, error, threads), "backslashreplace"),
    )
    with ExitStack() as stack:
        for old, new in zip(previous, routed, strict=True):
            for handler in _find_handlers(old):
                handler.stream = new
                stack.callback(setattr, handler, "stream", old)
        sys.stdout, sys.stderr = routed
        try:
            yield
        finally:
            sys.stdout, sys.stderr = previous


def flush_streams(*streams: TextIO | None) -> None:
    """Flushes streams; a closed one has nothing to flush."""
    for stream in streams:
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]


def _open_text(file: _RoutedFile, errors: str) -> TextIO:
    # As Python opens unbuffered streams: the text goes straight to the file.
    make: Callable[..., TextIO] = io.TextIOWrapper
    return make(file, encoding="utf-8", errors=errors, newline="\n", write_through=True)


def _find_descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError, AttributeError):  # a notebook's or a test's, or it is closed
        return None


def _find_handlers(stream: TextIO | None) -> list["logging.StreamHandler[Any]"]:
    """Returns the handlers of all loggers that write to a stream."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [handler for logger in loggers for handler in getattr(logger, "handlers", [])]
    return [each for each in handlers if isinstance(each, logging.StreamHandler) and each.stream is stream]
