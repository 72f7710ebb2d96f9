"""Interrupts that are held back while something is brought to its end."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tg.common.delivery.delivery import uninterrupted


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)


def test_an_interrupt_is_held_back_and_can_be_raised_later() -> None:
    with uninterrupted() as held:
        held.raise_any()
        os.kill(os.getpid(), signal.SIGINT)
        assert held.any
    with pytest.raises(KeyboardInterrupt):
        held.raise_any()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_hangs_can_be_interrupted_when_the_patience_is_over() -> None:
    with pytest.raises(KeyboardInterrupt), uninterrupted(patience_seconds=-1):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_is_held_back_only_where_it_is_handled() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with uninterrupted():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with uninterrupted() as outer, uninterrupted() as inner:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (outer.any, inner.any) == (False, True)
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_other_threads_go_on_as_before() -> None:
    handlers = []

    def look() -> None:
        with uninterrupted() as held:
            handlers.append((signal.getsignal(signal.SIGINT), held.any))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [(signal.default_int_handler, False)]
