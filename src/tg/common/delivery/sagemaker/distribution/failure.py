"""Why a training on several hosts has failed: the first of what went wrong, as the others only lose their peer."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..contract.killed import explain_signal
from ..contract.ml_folder import HOSTS, MlFolder

# What a process says that was asked to end; why, another one says.
STOPPED = "the training was stopped by SIGTERM"


@dataclass(frozen=True)
class HostEnd:
    """How a host has ended.

    Attributes:
        reason: Why it has failed; ``None`` if it has not.
        time: When, in seconds since 1970.
        is_silent: Whether it, or a process of it, is gone without having said why. Others that fail at the same time do
            so for that.
    """

    reason: str | None
    time: float
    is_silent: bool = False


def read_end(folder: MlFolder, code: int, time: float) -> HostEnd:
    """Reads how a host's processes have ended, from their failure files.

    Args:
        folder: The host's ``/opt/ml``.
        code: The exit code of the engine.
        time: When it has ended.
    """
    if code == 0:
        return HostEnd(None, time)
    output = folder.root / "output"
    said = []
    for path in [output / "failure", *(output / HOSTS).rglob("failure")]:
        try:
            reason, moment = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0], path.stat().st_mtime
        except OSError:
            continue
        if not reason.startswith(STOPPED):
            said.append((moment, reason))
    if said:
        moment, reason = min(said)
        return HostEnd(reason, moment)
    why = explain_signal(-code) if code < 0 else "a process ended without saying why; see the log"
    return HostEnd(why, time, is_silent=True)


def find_cause(ends: Mapping[str, HostEnd]) -> str | None:
    """Returns which host has failed first, and why; ``None`` if none has."""
    failed = [(not end.is_silent, end.time, host) for host, end in ends.items() if end.reason is not None]
    if not failed:
        return None
    host = min(failed)[2]
    return f"host {host}: {ends[host].reason}"
