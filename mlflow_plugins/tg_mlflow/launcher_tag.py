"""Which process records a run, so that no second one does at the same time, and that it can be asked to stop."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg.common.delivery.delivery import uninterrupted
from tg.common.delivery.sagemaker.process_supervisor import describe_process, is_alive
from tg_mlflow.errors import RecordingError, RunNotOursError
from tg_mlflow.patience import patiently
from tg_mlflow.run_tags import LAUNCHER_TAG, SWEEP_NAME_TAG


@dataclass(frozen=True)
class Launcher:
    """A process of this machine, other than this one, that records a run now.

    Attributes:
        pid: Its id.
        signal_number: What interrupts the recording; ``None`` if nothing does, as it is not done in the main thread.
    """

    pid: int
    signal_number: int | None

    def interrupt(self) -> None:
        """Does what Ctrl-C does.

        Raises:
            RunNotOursError: If it is another user's.
        """
        assert self.signal_number is not None
        with suppress(ProcessLookupError):  # it has ended just now
            try:
                os.kill(self.pid, self.signal_number)
            except PermissionError as error:
                raise RunNotOursError(f"process {self.pid} is another user's; ask that user to stop it") from error


@contextmanager
def launching(client: MlflowClient, run_id: str, patience_seconds: float = 0.0) -> Iterator[None]:
    """Notes in a run that this process records it while the context is open, and where it did after that.

    Args:
        client: The tracking server's.
        run_id: A run of a training, or of many.
        patience_seconds: How long the server may be away at the beginning.

    Raises:
        RecordingError: If the tracking server does not take it at the beginning.
    """
    host = socket.gethostname()
    launcher = json.dumps({"host": host, **describe_process(os.getpid()), "signal": _find_signal()})
    try:
        patiently(partial(client.set_tag, run_id, LAUNCHER_TAG, launcher), patience_seconds, "a tag")
    except (MlflowException, OSError) as error:
        raise RecordingError(
            f"the tracking server did not take which process records run {run_id} ({error}); when the server is back, "
            f"end the run with `tg-mlflow cancel {run_id}`"
        ) from error
    try:
        yield
    finally:
        # Else it is seen when the process has ended.
        with suppress(MlflowException, OSError), uninterrupted():
            client.set_tag(run_id, LAUNCHER_TAG, json.dumps({"host": host}))


def find_launcher(client: MlflowClient, run: Run) -> Launcher | None:
    """Finds the process that records a run now, or the sweep that the run belongs to.

    Returns:
        ``None`` if it has ended, runs on another machine, where it cannot be seen, or is this one.
    """
    parent_id = run.data.tags.get(MLFLOW_PARENT_RUN_ID)
    launcher = read_launcher(run.data.tags)
    if launcher is not None or parent_id is None or SWEEP_NAME_TAG not in run.data.tags:
        return launcher
    try:
        return read_launcher(client.get_run(parent_id).data.tags)
    except MlflowException:
        return None  # it has been deleted


def read_launcher(tags: Mapping[str, str]) -> Launcher | None:
    """Finds the process that records a run now, by the run's own tags; ``None`` as above."""
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    if launcher is None or "pid" not in launcher or not is_this_host(tags):
        return None
    pid = int(launcher["pid"])
    return Launcher(pid, launcher.get("signal")) if pid != os.getpid() and is_alive(launcher) else None


def is_this_host(tags: Mapping[str, str]) -> bool:
    """Whether a run's last launcher ran on this machine."""
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    return launcher is not None and launcher["host"] == socket.gethostname()


def read_other_host(tags: Mapping[str, str]) -> str | None:
    """The machine that a run's last launcher ran on; ``None`` if it is this one, or not known."""
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    return None if launcher is None or is_this_host(tags) else str(launcher["host"])


def _find_signal() -> int | None:
    """Ctrl-C's, unless that is ignored, as in what a shell has put into the background."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return int(signal.SIGINT if callable(signal.getsignal(signal.SIGINT)) else signal.SIGTERM)
