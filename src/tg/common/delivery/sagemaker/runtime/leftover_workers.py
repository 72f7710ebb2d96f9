"""Ends worker processes that libraries keep, as a later training has other code and another log."""

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any

_logger = logging.getLogger(__name__)

_LOKY = ("loky.reusable_executor", "joblib.externals.loky.reusable_executor")


@contextmanager
def ending_leftover_workers() -> Iterator[None]:
    """Ends, before and after the context, processes that would give a training workers with an earlier one's code.

    These are the server of ``forkserver``, and the workers of joblib and loky. Busy processes are left alone.
    """
    _end_workers()
    try:
        yield
    finally:
        _end_workers()


def _end_workers() -> None:
    for name in _LOKY:
        executor: Any = vars(sys.modules[name]).get("_executor") if name in sys.modules else None
        if executor is not None and not getattr(executor, "_pending_work_items", None):
            executor.shutdown(wait=True, kill_workers=True)
    server: Any = forkserver._forkserver
    process = getattr(server, "_forkserver_pid", None)
    if process is None or multiprocessing.active_children():
        return
    try:
        os.kill(process, signal.SIGTERM)  # otherwise it would wait for each process that has inherited its pipe
        server._stop()
    except (AttributeError, OSError) as error:  # another Python may not have it
        _logger.debug("the fork server is left as it is: %s", error)
