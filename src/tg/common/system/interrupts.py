"""Ctrl-C and SIGTERM: raised at once, or held back while what must not be left half done comes to its end.

All of it is this process's own: in one that is forked meanwhile, both do what they do by default.
"""

import functools
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Whatever hangs for longer than this can be interrupted again.
_PATIENCE_SECONDS = 30
# Whoever presses Ctrl-C twice in so short a time means it once.
_ONE_INTERRUPT_SECONDS = 0.5
# So long a signal may stay unnoticed by a main thread that waits for something.
_NOTICE_SECONDS = 0.2
_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class HeldInterrupts:
    """Knows whether there was an interrupt that has not been raised.

    Args:
        outer: What holds interrupts back around this.

    Attributes:
        any: Whether there was.
    """

    def __init__(self, outer: "HeldInterrupts | None" = None) -> None:
        self.any = False
        self._outer = outer

    def note(self) -> None:
        """Holds an interrupt back."""
        self.any = True
        if self._outer is not None:
            self._outer.note()

    def raise_any(self) -> None:
        """Raises what was held back; where more than this holds it back, that is to raise it.

        Raises:
            KeyboardInterrupt: If there was an interrupt.
        """
        if self.any and self._outer is None:
            raise KeyboardInterrupt


# What holds back the main thread's interrupts now.
_innermost: HeldInterrupts | None = None


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
    global _innermost
    if threading.current_thread() is not threading.main_thread():
        yield HeldInterrupts()
        return
    outer, held = _innermost, HeldInterrupts(_innermost)
    end = time.monotonic() + patience_seconds

    def hold(number: int, frame: FrameType | None) -> None:
        _note_noticed()
        held.note()
        if time.monotonic() > end:
            raise KeyboardInterrupt

    _leave_to_parent()
    # What would end the process without a word, as it does by default for SIGTERM, or is ignored, stays so.
    previous = {number: handler for number in _NUMBERS if callable(handler := signal.getsignal(number))}
    for number in previous:
        signal.signal(number, hold)
    _innermost = held
    try:
        yield held
    finally:
        _innermost = outer
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def terminating_as_interrupt(notice: Callable[[], object] | None = None) -> Iterator[None]:
    """Treats SIGTERM like Ctrl-C while the context is open, so that a terminated launcher ends its run.

    Interrupts in quick succession count as one: what the first one has begun to clean up is not cut short by the rest.
    One that is raised where nobody can catch it, as where an object is deleted, is raised once more, a moment later.
    From the first one on, a library's handler of SIGCHLD is out of force: torch's raises an error for each worker that
    ends, which would cut the clean-up short. Only the main thread can receive signals; elsewhere this changes nothing.

    Args:
        notice: Called in the main thread before an interrupt is raised there, for other threads that it would wait for
            before it lets go; it must not take long.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    last = float("-inf")
    silenced = dict[signal.Signals, Callable[..., Any]]()

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        _note_noticed()
        now = time.monotonic()
        if now - last > _ONE_INTERRUPT_SECONDS:
            last = now
            if callable(handler := signal.getsignal(signal.SIGCHLD)):
                silenced[signal.SIGCHLD] = handler
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if notice is not None:
                notice()
            raise KeyboardInterrupt

    process = os.getpid()

    def raise_again(lost: "sys.UnraisableHookArgs") -> None:
        nonlocal last
        if os.getpid() == process and issubclass(lost.exc_type, KeyboardInterrupt):
            last = float("-inf")
            send_again(signal.SIGTERM)  # which is handled here whatever becomes of Ctrl-C
        else:
            previous_hook(lost)

    _leave_to_parent()
    previous, previous_hook = {number: signal.getsignal(number) for number in _NUMBERS}, sys.unraisablehook
    with _rousing_main_thread() as send_again:
        sys.unraisablehook = raise_again
        for number, handler in previous.items():
            if number == signal.SIGTERM or callable(handler):  # where Ctrl-C is ignored, it stays so
                signal.signal(number, interrupt)
        try:
            yield
        finally:
            sys.unraisablehook = previous_hook
            for number, handler in (*previous.items(), *silenced.items()):
                signal.signal(number, handler)


@functools.cache
def _leave_to_parent() -> None:
    """Has processes that are forked from now on handle both signals by default: a pool ends its workers by them."""
    os.register_at_fork(after_in_child=_handle_by_default)


def _handle_by_default() -> None:
    global _innermost, _unnoticed
    if _is_ours(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if _is_ours(signal.getsignal(signal.SIGTERM)):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _unnoticed is not None:
        signal.set_wakeup_fd(-1)
    _innermost = _unnoticed = None


def _is_ours(handler: object) -> bool:
    return getattr(handler, "__module__", None) == __name__


# What the interpreter has been told of signals, and the main thread has not noticed yet: a byte each, their numbers.
_unnoticed: socket.socket | None = None


def _note_noticed() -> None:
    if _unnoticed is not None:
        try:
            _unnoticed.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


@contextmanager
def _rousing_main_thread() -> Iterator[Callable[[int], object]]:
    """Sends a signal once more if the main thread does not notice it, or if what is yielded is called with it.

    One that comes in the instant before the main thread begins to wait for a lock or for a network, or that the system
    gives to another thread, would be noticed only when that wait is over: hours later, if it waits for a training.
    """
    global _unnoticed
    main = threading.get_ident()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def rouse() -> None:
        while True:
            number = reader.recv(1, socket.MSG_PEEK)[0]
            if has_ended.wait(_NOTICE_SECONDS):
                return
            if not select.select([reader], [], [], 0)[0]:
                continue
            if _is_ours(signal.getsignal(number)):
                signal.pthread_kill(main, number)
            else:  # someone else handles it
                _note_noticed()

    has_ended = threading.Event()
    thread = threading.Thread(target=rouse, name="signals", daemon=True)
    previous, _unnoticed = _unnoticed, reader
    previous_descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        yield lambda number: writer.send(bytes([number]))
    finally:
        _unnoticed = previous
        signal.set_wakeup_fd(previous_descriptor)
        has_ended.set()
        writer.send(b"\0")
        thread.join()
        reader.close()
        writer.close()
