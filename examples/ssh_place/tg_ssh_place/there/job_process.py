"""The process of a job on the other machine: its start, its stage, its end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tg.common.delivery.sagemaker.job_files.process_supervisor import EXIT_NAME, PROCESS_NAME, is_alive, keep_supervised
from tg_ssh_place.there.store import STARTER_NAME, RefusedError

SUPERVISOR_FILE = "supervisor.py"
RUN_FILE = "train.py"
_CANCELLED_NAME = "cancelled"

# A container of this machine would not have these either.
_HIDDEN_PREFIXES = ("AWS_", "MLFLOW_", "PYTHON", "TG_")
# There is no event for a file that another process writes; so often we look.
POLL_SECONDS = 0.05
_START_SECONDS = 30
_EXIT_SECONDS = 2


def start(job: Path, variables: dict[str, str]) -> None:
    """Starts a job whose files are there, and returns when its process runs.

    Raises:
        RefusedError: If it cannot be started.
    """
    visible = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN_PREFIXES)}
    python = sys.executable
    supervisor = subprocess.Popen(
        [python, "-I", "-S", str(job / SUPERVISOR_FILE), str(job), python, "-u", str(job / RUN_FILE), "train"],
        env={**visible, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + _START_SECONDS
    while not (job / PROCESS_NAME).exists():
        if supervisor.poll() is not None or time.monotonic() > deadline:
            supervisor.kill()
            raise RefusedError(f"no process can be started with {python}; check that it runs")
        time.sleep(POLL_SECONDS / 10)


def look(job: Path) -> tuple[str, int | None]:
    """Returns the stage that a job has reached, and its exit code.

    The stages are ``starting``, ``unstarted`` if its start was cut short, ``running`` and ``ended``.
    """
    if (ended := _read_json(job / EXIT_NAME)) is not None:
        return "ended", ended["exit_code"]
    starter = _read_json(job / STARTER_NAME)
    is_starting = starter is not None and is_alive(starter)
    process = _read_json(job / PROCESS_NAME)
    if process is None:
        return ("starting" if is_starting else "unstarted"), None
    if keep_supervised(job, process, job / SUPERVISOR_FILE):
        return "running", None
    # That may have been said just now.
    deadline = time.monotonic() + _EXIT_SECONDS
    while (ended := _read_json(job / EXIT_NAME)) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return "ended", None if ended is None else ended["exit_code"]


def find_log_bytes(job: Path) -> int | None:
    """Finds how long the log of an ended job is; ``None`` if nobody knows whether that is all."""
    ended = _read_json(job / EXIT_NAME)
    return None if ended is None else ended["log_bytes"]


def has_ended(job: Path) -> bool:
    """Whether nothing of a job runs any more, or ever will."""
    return look(job)[0] in ("ended", "unstarted")


def is_cancelled(job: Path) -> bool:
    """Whether somebody has asked for the end of a job."""
    return (job / _CANCELLED_NAME).exists()


def send_signal(job: Path, number: signal.Signals) -> bool:
    """Ends a job with a signal, and notes that it was asked for; returns whether there is a process to send it to."""
    (job / _CANCELLED_NAME).touch()
    if (process := _read_json(job / PROCESS_NAME)) is None:
        return False
    try:
        # SIGTERM is for the training itself, as a container's; SIGKILL is for all that it has started.
        (os.killpg if number is signal.SIGKILL else os.kill)(process["pid"], number)
    except ProcessLookupError:
        return False
    return True


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content
