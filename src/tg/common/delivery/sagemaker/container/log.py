"""A container's log: read from the engine as it is written, and kept when the container is removed."""

import calendar
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from ....errors import ContainerError
from ....system.temporary_folder import temporary_folder
from ...delivery.image.docker_client import (
    DockerClient,
    EngineAwayError,
    NotSupportedError,
    engine_errors,
    wait_for_exit,
)
from ...delivery.image.watched_stream import read_watched
from ..contract.log_event import LogEvent, skip_bytes
from ..contract.log_size import without_log_ends
from ..contract.variables import EXIT_KILLED, EXIT_TERMINATED
from ..executor.unknown_states import UnknownStates
from ..job_files.job_folder import JobFolder
from .state import find_unknown, has_ended

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z ")
_PATIENCE_SECONDS = 1
_UNKNOWN_SECONDS = 900
# A log of a container that has ended brings something all the time.
_SILENT_SECONDS = 60
# How long `docker restart` takes at most between a container's end and its next start; the pause between two looks.
_RESTART_SECONDS = 2
_LOOK_SECONDS = 0.1


def follow_log(
    client: DockerClient,
    container: str,
    position: int = 0,
    follow: bool = True,
    may_restart: Callable[[], bool] = lambda: False,
) -> Iterator[LogEvent]:
    """Yields a container's output, in the order of the engine's log, until it has ended: all but the relay's own lines.

    The engine may end a stream before the log's last lines, and a connection can break. When the container has ended,
    the log is therefore read once more, and the rest is yielded. While a stream is silent, the container is looked at:
    the daemon may be away, or never end the stream.

    Args:
        client: The daemon.
        container: The container.
        position: How many bytes to skip.
        follow: Whether to wait for more output.
        may_restart: Whether a container that was stopped may be started again at once, as by ``docker restart``.

    Raises:
        ObjectMissingError: If there is no such container any more.
        ContainerError: If the daemon cannot be reached.
        JobUnreachableError: If its status is one that is not known here, for too long.
    """
    unknown = UnknownStates("Docker", _UNKNOWN_SECONDS)

    def goes_on(silent_seconds: float) -> bool:
        status = container_status(client, container)
        unknown.note(container, find_unknown(status))
        return not has_ended(status)

    def answers(silent_seconds: float) -> bool:
        container_status(client, container)
        if silent_seconds > _SILENT_SECONDS:
            raise EngineAwayError(f"the log of container {container!r} cannot be read: the daemon says no more of it")
        return True

    while True:
        is_last = not follow or not (goes_on(0) or (may_restart() and _is_started_again(client, container)))
        log = _read_log(client, container, not is_last, answers if is_last else goes_on)
        before = position
        for event in skip_bytes(without_log_ends(log), position):
            position += len(event.data)
            yield event
        if is_last:
            return
        if position == before:  # do not poll an engine that ends streams at once without a pause
            wait_for_exit(client, container, _PATIENCE_SECONDS)


def container_status(client: DockerClient, container: str) -> str:
    """Returns the engine's status of a container, such as ``running``."""
    return str(_read_state(client, container)["Status"])


def _read_state(client: DockerClient, container: str) -> Mapping[str, Any]:
    with engine_errors(ContainerError, f"container {container!r} cannot be looked at"):
        state: Mapping[str, Any] = client.inspect_container(container)["State"]
        return state


def _is_started_again(client: DockerClient, container: str) -> bool:
    """Waits until a container that was stopped is started again; returns whether it was."""
    give_up = time.monotonic() + _RESTART_SECONDS
    while has_ended((state := _read_state(client, container))["Status"]):
        was_stopped = state.get("ExitCode") in (EXIT_TERMINATED, EXIT_KILLED) and not state.get("OOMKilled")
        if not was_stopped or time.monotonic() >= give_up:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _read_log(client: DockerClient, container: str, follow: bool, look: Callable[[float], bool]) -> Iterator[LogEvent]:
    time_ms = 0
    begin = partial(client.logs, container, stdout=True, stderr=True, stream=True, timestamps=True, follow=follow)
    try:
        with engine_errors(ContainerError, f"the log of container {container!r} cannot be read"):
            for frame in read_watched(begin, look):
                match = _STAMP.match(frame)
                if match:
                    time_ms = _read_time_ms(match[1], match[2] or b"")
                yield LogEvent(frame[match.end() :] if match else frame, time_ms)
    except NotSupportedError:
        return  # the log driver keeps nothing; that the log is missing is said at the end


def _read_time_ms(seconds: bytes, fraction: bytes) -> int:
    moment = datetime.fromisoformat(seconds.decode())
    return calendar.timegm(moment.timetuple()) * 1000 + int(fraction[:3].ljust(3, b"0"))


def save_log(events: Iterable[LogEvent], folder: JobFolder) -> None:
    """Saves a log as the job's output, atomically, even if another process saves it at the same time."""
    with temporary_folder(parent=folder.path) as path:
        complete = JobFolder(path)
        with complete.appending_output() as append:
            for event in events:
                append(event.data, event.time_ms)
        complete.log.replace(folder.log)
        complete.times.replace(folder.times)
