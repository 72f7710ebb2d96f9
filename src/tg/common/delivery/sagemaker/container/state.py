"""The state of a container's job, also after the container has been removed."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..contract.variables import EXIT_KILLED, EXIT_TERMINATED
from ..executor.job_state import JobState, JobStatus
from ..job_files.job_folder import JobFolder

_STATE_NAME = "state.json"
_CANCELLED_NAME = "cancelled"
_MISSING_LOG = "missing_log"
_RUNNING = {
    "created": JobState(JobStatus.QUEUED),
    "running": JobState(JobStatus.RUNNING),
    "paused": JobState(JobStatus.RUNNING, reason="its container is paused; `docker unpause` lets it go on"),
    "restarting": JobState(JobStatus.RUNNING),
}
_ENDED = ("exited", "dead", "removing")


def has_ended(status: str) -> bool:
    """Whether the engine's status of a container is one of those after its end; unknown ones are not."""
    return status in _ENDED


def find_unknown(status: str) -> str | None:
    """Returns the engine's status of a container, if this version does not know it."""
    return None if status in _RUNNING or status in _ENDED else status


def build_job_state(container: Mapping[str, Any], cancelled: bool, failure: str | None) -> JobState:
    """Builds a job's state from the engine's description of its container.

    Args:
        container: The answer of ``GET /containers/<id>/json``.
        cancelled: Whether the job was cancelled.
        failure: The first line of the training's failure file.
    """
    engine = container["State"]
    if engine["Status"] in _RUNNING:
        return _RUNNING[engine["Status"]]
    if not has_ended(engine["Status"]):
        return JobState(JobStatus.RUNNING, reason=f"Docker calls it {engine['Status']!r}, which is not known here")
    code = int(engine["ExitCode"])
    if code == 0:
        return JobState(JobStatus.COMPLETED, code)
    if code == EXIT_KILLED and engine.get("OOMKilled"):
        return JobState(JobStatus.FAILED, code, _explain_out_of_memory(container["HostConfig"].get("Memory") or 0))
    if cancelled or code == EXIT_TERMINATED:
        return JobState(JobStatus.STOPPED, code, "it was stopped")
    if failure:
        return JobState(JobStatus.FAILED, code, failure)
    reason = f"it exited with code {code}"
    if code == EXIT_KILLED:
        reason = "it was killed with SIGKILL; not at its own limit of memory, but the machine may have run out of it"
    elif engine.get("OOMKilled"):
        reason += "; one of its processes was killed for lack of memory; raise `memory`"
    return JobState(JobStatus.FAILED, code, reason)


def _explain_out_of_memory(limit_bytes: int) -> str:
    if not limit_bytes:
        return "out of memory: the container was killed, and it had no limit; use a machine with more memory"
    return f"out of memory: the container was killed at its limit of {limit_bytes / 1024**2:g} MiB; raise `memory`"


def note_cancelled(folder: JobFolder) -> None:
    """Notes that a job is to be stopped; a disk that does not take that does not keep it from being stopped."""
    with suppress(OSError):
        (folder.path / _CANCELLED_NAME).touch()


def was_cancelled(folder: JobFolder) -> bool:
    """Whether a job was to be stopped, as far as that could be noted."""
    return (folder.path / _CANCELLED_NAME).exists()


def save_state(state: JobState, folder: JobFolder, missing_log: str | None = None) -> None:
    """Saves the state of a job that has ended, and what is missing of its log."""
    content = {"status": state.status.value, "exit_code": state.exit_code, "reason": state.reason}
    folder.write_json(_STATE_NAME, content if missing_log is None else {**content, _MISSING_LOG: missing_log})


def load_state(folder: JobFolder) -> JobState | None:
    """Loads the state that :func:`save_state` saved; ``None`` if there is none."""
    content = folder.read_json(_STATE_NAME)
    return None if content is None else JobState(JobStatus(content["status"]), content["exit_code"], content["reason"])


def load_missing_log(folder: JobFolder) -> str | None:
    """Loads what :func:`save_state` saved of an ended job's log; ``None`` if it is whole."""
    missing: str | None = (folder.read_json(_STATE_NAME) or {}).get(_MISSING_LOG)
    return missing
