"""The request that a job stop, by SIGTERM: a training that keeps checkpoints may save one more before it ends.

It has three quarters of the time that its place gives it; then, or at a second SIGTERM, it ends as others do at once.
"""

import _thread
import os
import queue
import signal
import threading

from ....logger import Logger
from ..contract.variables import STOP_SECONDS_VARIABLE

# What SageMaker gives, and our places by default.
_GRACE_SECONDS = 120.0
_SHARE = 0.75


class Terminated(BaseException):
    """Raised in the training to end it after SIGTERM; no ``except Exception`` of a task catches it."""


class StopRequest:
    """Whether this process was asked to stop, and whether that waits for a checkpoint.

    Attributes:
        is_awaited: Whether the training keeps checkpoints, so that it is to save one before it ends.
        is_made: Whether the process was asked to stop, and goes on until it has saved one.
    """

    def __init__(self) -> None:
        self.is_awaited = False
        self.is_made = False

    def defer(self) -> bool:
        """Takes a SIGTERM, in its handler; returns whether the training goes on until its next checkpoint."""
        if self.is_made or not self.is_awaited:
            return False
        self.is_made = True
        # Not by threading or Logger: the thread that this interrupts may hold their locks.
        _thread.start_new_thread(_end_late, (os.getpid(), _read_seconds()))
        return True

    def end_if_made(self) -> None:
        """Ends the training, which has saved a checkpoint, if it was asked to stop.

        Raises:
            Terminated: If it was.
        """
        if not self.is_made:
            return
        if threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGTERM)  # the training is there
            return
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated


#: That of this process, whose signals are its own.
STOP_REQUEST = StopRequest()


def _read_seconds() -> float:
    try:
        grace = float(os.environ.get(STOP_SECONDS_VARIABLE, ""))
    except ValueError:
        grace = _GRACE_SECONDS
    return grace * _SHARE


def _end_late(process: int, seconds: float) -> None:
    Logger.warning(f"The job is to stop: the training ends at its next checkpoint, or in {seconds:g} seconds")
    try:
        queue.SimpleQueue[None]().get(timeout=max(0.0, seconds))
    except queue.Empty:
        Logger.warning("The training has saved no checkpoint since then")
        os.kill(process, signal.SIGTERM)
