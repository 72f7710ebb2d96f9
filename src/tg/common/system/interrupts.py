"""Ctrl-C and SIGTERM: raised at once, or held back until a critical step has completed.

All this concerns only this process: in one that is forked meanwhile, both signals have their default effects.
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

from .fork_signals import handle_in_forks

# A step that hangs for longer than this can be interrupted again.
_PATIENCE_SECONDS = 30
# Interrupts within so short a time count as one.
_ONE_INTERRUPT_SECONDS = 0.5
# How long a waiting main thread may fail to notice a signal.
_NOTICE_SECONDS = 0.2
_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class HeldInterrupts:
    """Interrupts that have been held back and not raised.

    Args:
        outer: The surrounding context that holds interrupts back.

    Attributes:
        number: The last one's signal; ``None`` if there was none.
    """

    def __init__(self, outer: "HeldInterrupts | None" = None) -> None:
        self.number: int | None = None
        self._outer = outer

    @property
    def any(self) -> bool:
        """Whether there was an interrupt."""
        return self.number is not None

    def note(self, number: int) -> None:
        """Holds an interrupt back."""
        self.number = number
        if self._outer is not None:
            self._outer.note(number)

    def raise_any(self) -> None:
        """Raises a held interrupt; within a surrounding context, leaves that to it.

        Raises:
            KeyboardInterrupt: If there was an interrupt.
        """
        if self.number is not None and self._outer is None:
            raise _interrupt_by(self.number)


def _interrupt_by(number: int) -> KeyboardInterrupt:
    """Makes an interrupt that says by which signal it came."""
    return KeyboardInterrupt(signal.Signals(number).name)


# The context that holds back the main thread's interrupts now.
_innermost: HeldInterrupts | None = None


@contextmanager
def uninterrupted(patience_seconds: float = _PATIENCE_SECONDS) -> Iterator[HeldInterrupts]:
    """Holds back Ctrl-C, and SIGTERM where it is treated like Ctrl-C, while the context is open.

    It is for a clean-up that must not be cut short, or a step whose outcome has to be known. Only the main thread
    receives signals; elsewhere this changes nothing.

    Args:
        patience_seconds: How long interrupts are held back; a later one is raised.

    Raises:
        KeyboardInterrupt: For an interrupt that arrives after that time.
    """
    global _innermost
    if threading.current_thread() is not threading.main_thread():
        yield HeldInterrupts()
        return
    outer, held = _innermost, HeldInterrupts(_innermost)
    end = time.monotonic() + patience_seconds

    def hold(number: int, frame: FrameType | None) -> None:
        _note_noticed()
        held.note(number)
        if time.monotonic() > end:
            raise _interrupt_by(number)

    _leave_to_parent()
    # A signal that ends the process silently, as SIGTERM does by default, or that is ignored, stays as it is.
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

    Interrupts in quick succession count as one: the later ones do not cut short the clean-up that the first one has
    begun. An interrupt that is raised where it cannot be caught, such as in a finalizer, is raised again a moment
    later. From the first one on, a library's handler of SIGCHLD is disabled: torch's raises an error for each worker
    that ends, which would cut the clean-up short. Only the main thread can receive signals; elsewhere this changes
    nothing.

    Args:
        notice: Called in the main thread before an interrupt is raised there, to release threads that it would wait
            for; it must be quick.
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
            raise _interrupt_by(number)

    process = os.getpid()

    def raise_again(lost: "sys.UnraisableHookArgs") -> None:
        nonlocal last
        if os.getpid() == process and issubclass(lost.exc_type, KeyboardInterrupt):
            last = float("-inf")
            send_again(signal.SIGTERM)  # which is handled here even if Ctrl-C is not
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


@contextmanager
def hang_up_as_termination() -> Iterator[None]:
    """Treats SIGHUP, as of a terminal that is closed, like SIGTERM while the context is open.

    Where it is ignored, as under nohup, or has a handler, it stays so. Only the main thread can receive signals;
    elsewhere this changes nothing.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGHUP) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@functools.cache
def _leave_to_parent() -> None:
    """Restores the default handlers of both signals in forked processes: a pool ends its workers by them."""
    handle_in_forks(lambda: _is_ours(signal.getsignal(signal.SIGTERM)), _handle_by_default)


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


# Signals that the interpreter has received and the main thread has not noticed yet: their numbers, a byte each.
_unnoticed: socket.socket | None = None


def _note_noticed() -> None:
    if _unnoticed is not None:
        try:
            _unnoticed.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


@contextmanager
def _rousing_main_thread() -> Iterator[Callable[[int], object]]:
    """Sends a signal again if the main thread does not notice it, or if the yielded function is called with it.

    A signal that arrives just before the main thread begins to wait for a lock or the network, or that the system
    delivers to another thread, would only be noticed after that wait: hours later, if it waits for a training.
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
            else:  # another handler is installed
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
