"""Lets a signal reach a forked process from its first moment on: a pool ends its workers by one, and waits for them.

In a forked process, Python forgets each signal that has come between the fork and its first own step. Where a handler
of Python's was to treat it, nothing has happened then: the process goes on, and whoever waits for its end does so for
ever.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection


def handle_in_forks(find: Callable[[], Collection[int]], reset: Callable[[], None]) -> None:
    """Gives each process that is forked from this one its own handlers, before any signal is treated there.

    In the process that forks, a signal that comes meanwhile is treated when the fork is done. What its handler raises
    then goes to ``sys.unraisablehook``.

    Args:
        find: Finds the signals whose handlers are for this process alone, and which end others by default; called
            before each fork.
        reset: Called first in a forked process: replaces these handlers.
    """
    before = threading.local()

    def hold() -> None:
        before.mask = None
        if numbers := find():
            before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def release() -> None:
        if before.mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before.mask)

    def begin() -> None:
        reset()
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=begin)
