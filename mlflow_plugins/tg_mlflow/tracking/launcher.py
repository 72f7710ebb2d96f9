"""Finds the process that records a run, which must be the only one, and can be asked to stop."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg.common.delivery.sagemaker.job_files.job_storage import jobs_path
from tg.common.delivery.sagemaker.job_files.process_supervisor import describe_process, is_alive
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.errors import RecordingError, RunNotOursError, TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher_file import holding_launcher_file
from tg_mlflow.tracking.search import read_run
from tg_mlflow.tracking.tags import LAUNCHER_TAG, SWEEP_NAME_TAG

# Other numbers stand for several processes, or for none.
_PIDS = 1 << 31


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
        """Interrupts the recording as Ctrl-C does.

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
def launching(client: TrackingClient, run_id: str, is_in_process: bool = False) -> Iterator[None]:
    """Marks a run as recorded by this process while the context is open; afterwards, the mark names the machine only.

    Args:
        client: The tracking server's.
        run_id: A run of a training, or of many.
        is_in_process: Whether it is trained in this process, so that the training ends with it.

    Raises:
        RecordingError: If the tracking server does not take it at the beginning.
        RunTakenError: If another process of this machine records it.
    """
    place = {"host": socket.gethostname(), "pids": _find_pid_namespace(), "jobs": str(jobs_path())}
    holding = holding_launcher_file(run_id, client.tracking_uri, is_in_process)
    with holding, _marking(f"tg-mlflow-{run_id}") as marker:
        process = {**describe_process(os.getpid()), "signal": _find_signal(), "marker": marker}
        launcher = json.dumps({**place, **process})
        try:
            client.set_tag(run_id, LAUNCHER_TAG, launcher)
        except TrackingError as error:
            raise RecordingError(
                f"the tracking server did not take which process records run {run_id} ({error}); when the server is "
                f"back, end the run with `tg-mlflow cancel {run_id}`"
            ) from error
        try:
            yield
        finally:
            # Else it is seen by the marker.
            with suppress(TrackingError), uninterrupted():
                client.without_patience().set_tag(run_id, LAUNCHER_TAG, json.dumps(place))


def find_launcher(client: TrackingClient, run: Run) -> Launcher | None:
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
    except TrackingError as error:
        if not error.is_final:
            raise
        return None  # it is not there any more


def read_settled_run(client: TrackingClient, run_id: str) -> tuple[Run, Launcher | None]:
    """Reads a run, and finds the process that records it now.

    A launcher ends its run before it ends itself. A run without a launcher is read once more, so that one that has been
    ended just now does not look as if it had been left.

    Returns:
        The run and its launcher, as :func:`find_launcher` finds it.

    Raises:
        RunNotOursError: If there is no such run.
        TrackingError: If the tracking server does not answer.
    """
    run = read_run(client, run_id)
    launcher = find_launcher(client, run)
    return (read_run(client, run_id) if launcher is None else run), launcher


def read_launcher(tags: Mapping[str, str]) -> Launcher | None:
    """Finds the process that records a run now by the run's own tags, as :func:`find_launcher` does."""
    launcher = _read_tag(tags)
    pid, number, marker = (launcher.get(key) for key in ("pid", "signal", "marker"))
    if not isinstance(pid, int) or not 0 < pid < _PIDS or pid == os.getpid() or not is_this_host(tags):
        return None
    process = {"pid": pid, "started": launcher.get("started")}
    if not is_alive(process) or not _has_marker(pid, marker):
        return None
    return Launcher(pid, number if number in (signal.SIGINT, signal.SIGTERM) else None)


def is_this_host(tags: Mapping[str, str]) -> bool:
    """Whether a run's last launcher ran on this machine, where its process can be seen."""
    launcher = _read_tag(tags)
    return bool(launcher.get("host") == socket.gethostname() and launcher.get("pids") == _find_pid_namespace())


def keeps_jobs_here(tags: Mapping[str, str]) -> bool:
    """Whether a run's last launcher kept its jobs in the folder used here: a job that is not there was not started."""
    launcher = _read_tag(tags)
    return bool(launcher.get("host") == socket.gethostname() and launcher.get("jobs") == str(jobs_path()))


def read_other_host(tags: Mapping[str, str]) -> str | None:
    """The machine that a run's last launcher ran on; ``None`` if it is this one, or not known."""
    host = _read_tag(tags).get("host")
    return None if host is None or is_this_host(tags) else str(host)


def describe_last_launcher(tags: Mapping[str, str]) -> tuple[object, object]:
    """Returns the process that was to record a run to its end, unless that has ended its recording, and its machine."""
    launcher = _read_tag(tags)
    return launcher.get("pid"), launcher.get("host")


def _read_tag(tags: Mapping[str, str]) -> dict[str, Any]:
    """Reads the tag of the launcher; a damaged one counts as absent."""
    try:
        launcher = json.loads(tags.get(LAUNCHER_TAG, "{}"))
    except ValueError:
        return {}
    return launcher if isinstance(launcher, dict) else {}


def _find_pid_namespace() -> str | None:
    """Returns what tells apart a host and the containers that have its name; ``None`` if unknown."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


@contextmanager
def _marking(name: str) -> Iterator[str | None]:
    """Shows in ``/proc`` that this process records a run, even if the tracking server is away at the end.

    A process may live on after that, as a notebook's does.

    Yields:
        The name; ``None`` where the system does not show it.
    """
    try:
        marker = os.memfd_create(name) if hasattr(os, "memfd_create") else None
    except OSError:  # so many files are open that there is no room for one more
        marker = None
    try:
        yield name if marker is not None and _has_marker(os.getpid(), name) else None
    finally:
        if marker is not None:
            os.close(marker)


def _has_marker(pid: int, name: object) -> bool:
    if name is None:
        return True
    found = []
    try:
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it has been closed just now
                found.append(os.readlink(path))
    except OSError:
        return True  # it is another user's, or has ended just now
    return any(link.startswith(f"/memfd:{name} ") for link in found)


def _find_signal() -> int | None:
    """Returns Ctrl-C's signal, or SIGTERM where Ctrl-C is ignored, as in a process in a shell's background."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return int(signal.SIGINT if callable(signal.getsignal(signal.SIGINT)) else signal.SIGTERM)
