"""Interrupts that are held back while something is brought to its end."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tg.common.system.interrupts import terminating_as_interrupt, uninterrupted


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


def test_what_is_held_back_twice_is_raised_by_the_outer_one() -> None:
    with uninterrupted() as outer:
        with uninterrupted() as inner:
            os.kill(os.getpid(), signal.SIGINT)
        inner.raise_any()
        assert inner.any
        with uninterrupted() as other:
            other.raise_any()
        assert not other.any
    with pytest.raises(KeyboardInterrupt):
        outer.raise_any()


def test_sigterm_is_held_back_only_where_it_is_handled() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with uninterrupted():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with uninterrupted() as outer, uninterrupted() as inner:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (outer.any, inner.any) == (True, True)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait_that_it_does_not_reach(number: signal.Signals) -> None:
    """The system gives it to another thread; one that comes just before the wait begins is lost in the same way."""
    quiet, other = socket.socketpair()
    quiet.settimeout(60)
    waits = threading.Event()

    def wait_for_data() -> None:
        with terminating_as_interrupt():
            waits.set()
            quiet.recv(1)

    thread = threading.Thread(target=lambda: waits.wait() and signal.pthread_kill(threading.get_ident(), number))
    thread.start()
    start = time.monotonic()
    with quiet, other, pytest.raises(KeyboardInterrupt):
        wait_for_data()
    assert time.monotonic() - start < 30
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.set_wakeup_fd(-1) == -1


class Interrupted:
    """Is deleted just when a signal comes; what is raised then, Python shows and forgets."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_not_lost_where_nothing_can_be_raised(
    capfd: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    def delete_and_wait() -> None:
        with terminating_as_interrupt():
            interrupted = Interrupted(number)
            del interrupted
            threading.Event().wait(60)

    if number == signal.SIGTERM:  # as where a shell runs this in the background
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        delete_and_wait()
    assert time.monotonic() - start < 30
    assert capfd.readouterr().err == ""
    assert sys.unraisablehook.__module__ != terminating_as_interrupt.__module__


def test_a_signal_that_is_held_back_is_sent_once() -> None:
    seen = []
    with terminating_as_interrupt(), uninterrupted() as held:
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))  # not ours: nobody sends it again
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.5)
        finally:
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        assert held.any
    assert seen == [signal.SIGUSR1]


def test_interrupts_in_quick_succession_count_as_one() -> None:
    with terminating_as_interrupt():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_a_library_raises_for_a_worker_that_ends_cuts_no_clean_up_short() -> None:
    def complain(number: int, frame: object) -> None:
        raise RuntimeError("a worker has ended")

    before = signal.signal(signal.SIGCHLD, complain)
    try:
        with terminating_as_interrupt():
            with pytest.raises(RuntimeError, match="a worker has ended"):
                signal.raise_signal(signal.SIGCHLD)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGCHLD)
        assert signal.getsignal(signal.SIGCHLD) is complain
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.starts_process
def test_a_forked_process_ends_by_a_signal_as_by_default() -> None:
    outer = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(outer)
    with terminating_as_interrupt(), uninterrupted() as held:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            is_default = handlers == [signal.default_int_handler, signal.SIG_DFL] and signal.set_wakeup_fd(-1) == -1
            os.write(writer, b"yes" if is_default else b"no")
            signal.pause()
        assert os.read(reader, 3) == b"yes"
        os.kill(child, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        assert not held.any
        for descriptor in (reader, writer):
            os.close(descriptor)


@pytest.mark.starts_process
def test_sigterm_ends_a_forked_process_that_has_not_begun() -> None:
    with terminating_as_interrupt():
        for _ in range(3):
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(7)
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


@pytest.mark.starts_process
def test_a_pool_that_is_ended_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with terminating_as_interrupt(), multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
    assert capfd.readouterr() == ("", "")


@pytest.mark.starts_process
def test_a_forked_process_keeps_what_handlers_it_has_of_others() -> None:
    def handle(number: int, frame: object) -> None:
        os._exit(7)

    with terminating_as_interrupt():
        signal.signal(signal.SIGTERM, handle)
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
