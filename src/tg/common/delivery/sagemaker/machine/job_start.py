"""Starts a job's supervisor, which starts the job, and sees that both are there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ....errors import DeliveryError
from ..job_files import process_supervisor
from ..job_files.job_folder import JobFolder
from .job_forks import JobForks

_START_SECONDS = 30
# How often to look; there is no event for a file that another process writes.
_POLL_SECONDS = 0.005
_PROBE_NAME = "probe.json"


class StartedSupervisor(Protocol):
    """A job's supervisor, as far as who has started it needs to know it."""

    def poll(self) -> int | None:
        """Returns anything but ``None`` once it has ended."""

    def wait(self) -> object:
        """Waits until it has ended."""


class _ForkedSupervisor:
    """A supervisor that is not a child of this process."""

    def __init__(self, process: dict[str, Any]) -> None:
        self._process = process

    def poll(self) -> int | None:
        return None if process_supervisor.is_alive(self._process) else 0

    def wait(self) -> None:
        while self.poll() is None:
            time.sleep(_POLL_SECONDS)


def start_supervised(
    folder: Path, command: Sequence[str], variables: Mapping[str, str], forks: JobForks | None
) -> StartedSupervisor:
    """Starts a supervisor that starts a command.

    Args:
        folder: The job's folder.
        command: The job's.
        variables: The command's.
        forks: Starts both as forks, if it can.

    Raises:
        DeliveryError: If nobody knows whether it is started.
    """
    forked = None if forks is None else forks.start(folder, command, variables)
    if forked is not None:
        return _ForkedSupervisor(forked)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", process_supervisor.__file__, str(folder), *command],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for_start(folder: JobFolder, supervisor: StartedSupervisor) -> None:
    """Waits until a job's process is there.

    Raises:
        StorageError: If the disk is full.
        DeliveryError: If it cannot be started.
    """
    deadline = time.monotonic() + _START_SECONDS
    while folder.read_json(process_supervisor.PROCESS_NAME) is None:
        if supervisor.poll() is not None or time.monotonic() > deadline:
            folder.write_json(_PROBE_NAME, {})  # raises if the disk is full
            raise DeliveryError(f"the child process could not be started with {sys.executable}; check that it runs")
        time.sleep(_POLL_SECONDS)


def end_start(folder: JobFolder, supervisor: StartedSupervisor) -> None:
    """Ends a job in any phase of its start."""
    while (process := folder.read_json(process_supervisor.PROCESS_NAME)) is None and supervisor.poll() is None:
        time.sleep(_POLL_SECONDS)
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process["pid"], signal.SIGKILL)
    supervisor.wait()
