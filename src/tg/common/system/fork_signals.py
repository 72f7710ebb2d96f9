"""Lets a signal reach a forked process from its first moment on: a pool ends its workers by one, and waits for them.

In a forked process, Python forgets each signal that has come between the fork and its first own step. Where a handler
of Python's was to treat it, nothing has happened then: the process goes on, and whoever waits for its end does so for
ever.
"""

import os
import signal
import threading
from collections.abc import Callable


def handle_in_forks(is_ours: Callable[[], bool], reset: Callable[[], None]) -> None:
    """Gives each process that is forked from this one its own handlers, before SIGTERM is treated there.

    In the process that forks, a SIGTERM that comes meanwhile is treated when the fork is done. What its handler raises
    then goes to ``sys.unraisablehook``.

    Args:
        is_ours: Tells whether the handler of SIGTERM is for this process alone; called before each fork.
        reset: Called first in a forked process: replaces such handlers.
    """
    before = threading.local()

    def hold() -> None:
        before.mask = None
        if is_ours():
            before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def release() -> None:
        if before.mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before.mask)

    def begin() -> None:
        reset()
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=begin)
