"""Who or what has stopped a run that is KILLED, and when: the tag ``tg.stop_reason``."""

import getpass
import logging
import os
import socket
import threading
import time

from tg_mlflow.errors import TrackingError, describe_failure
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.tags import STOP_REASON_TAG
from tg_mlflow.tracking.timeline import Timeline

_logger = logging.getLogger("mlflow.tg_mlflow")


def describe_user() -> str:
    """Returns who runs this process, and where, such as ``ann on tower``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container, a user may have no name
        user = f"user {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def note_stop_reason(client: TrackingClient, run_id: str, reason: str) -> None:
    """Keeps in this process why it is about to stop a run's job, for the end of the run; asks no server.

    Args:
        client: The tracking server's, through which the run is recorded.
        run_id: The run.
        reason: Who or what stops it, in one line, such as ``its sweep was stopped``.
    """
    timeline = client.timelines.setdefault(run_id, Timeline())
    timeline.stop_reason = timeline.stop_reason or reason


def write_stop_reason(client: TrackingClient, run_id: str, reason: str, is_last: bool = True) -> None:
    """Writes why a run's job is stopped into the run, with the time, unless another process has done so before.

    What :func:`note_stop_reason` has kept goes first. A server that is away is not waited for: the reason is kept for
    the next time that it is to be written.

    Args:
        client: The tracking server's.
        run_id: The run.
        reason: Who or what stops it, in one line.
        is_last: Whether it is not written again before the run ends; the run says then if it lacks the reason.
    """
    timeline, client = client.timelines.setdefault(run_id, Timeline()), client.without_patience()
    reason = timeline.stop_reason or reason
    try:
        if STOP_REASON_TAG not in client.get_run(run_id).data.tags:
            moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
            client.set_tag(run_id, STOP_REASON_TAG, f"{reason}, {moment}")
    except TrackingError as error:
        _logger.debug("The run %s is not told why it was stopped: %s", run_id, error)
        timeline.stop_reason = reason
        if is_last:
            note_missing(client, run_id, [STOP_REASON_TAG])


def describe_cancel() -> str:
    """Describes that the user of this process stops a run by a command."""
    return f"cancelled by {describe_user()}"


def describe_stop(error: BaseException) -> str:
    """Describes what an error that ends a run as KILLED says of who has stopped it."""
    if not isinstance(error, KeyboardInterrupt):
        return "its launcher has given it up" if isinstance(error, GeneratorExit) else describe_failure(error)
    launcher = f"of its launcher, process {os.getpid()} of {describe_user()}"
    if error.args:
        signal_name = str(error.args[0])
        return f"{'SIGINT, as by Ctrl-C,' if signal_name == 'SIGINT' else signal_name} {launcher}"
    if threading.current_thread() is threading.main_thread():
        return f"Ctrl-C {launcher}"
    return f"an interrupt {launcher}"
