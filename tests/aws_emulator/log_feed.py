"""Feeds what jobs write into CloudWatch log streams, at once or late."""

import re
import threading
import time
from collections import deque
from dataclasses import dataclass

from moto.logs.models import logs_backends

from tests.aws_emulator.api_call import ACCOUNT_ID
from tests.aws_emulator.faults import Faults

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
EVENT_BYTES = 262_118
"""A longer line becomes several events."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class _Pending:
    due: float  # of time.monotonic()
    stream: str
    time_ms: int
    message: str


class LogFeed:
    """Writes events in the order in which it gets them; a group or stream is there from its first event on."""

    def __init__(self, region: str, faults: Faults) -> None:
        self._backend = logs_backends[ACCOUNT_ID][region]
        self._faults = faults
        self._changed = threading.Condition()
        self._pending: deque[_Pending] = deque()
        self._names: set[str] = set()
        self._is_closed = False
        self._thread = threading.Thread(target=self._deliver_late, daemon=True)
        self._thread.start()

    def name_stream(self, job_name: str, host: str) -> str:
        """Makes a name that no stream has, such as ``my-job/algo-1-1700000000``."""
        with self._changed:
            second = int(time.time())
            while f"{job_name}/{host}-{second}" in self._names:
                second += 1
            self._names.add(f"{job_name}/{host}-{second}")
            return f"{job_name}/{host}-{second}"

    def write(self, stream: str, line: str, time_ms: int) -> None:
        """Writes one line, without its end; an empty one makes no event."""
        if self._faults.withhold_logs or not line:
            return
        message = _CONTROL.sub(lambda match: f"#{ord(match[0]):03o}", line)
        with self._changed:
            due = time.monotonic() + self._faults.log_delay_seconds
            for piece in _split(message):
                if self._faults.log_delay_seconds or self._pending:
                    due = max(due, self._pending[-1].due if self._pending else due)
                    self._pending.append(_Pending(due, stream, time_ms, piece))
                    self._changed.notify_all()
                else:
                    self._deliver(stream, time_ms, piece)

    def deliver_all(self) -> None:
        """Lets all that was written be read at once."""
        with self._changed:
            while self._pending:
                event = self._pending.popleft()
                self._deliver(event.stream, event.time_ms, event.message)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _deliver_late(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                while self._pending and self._pending[0].due <= now:
                    event = self._pending.popleft()
                    self._deliver(event.stream, event.time_ms, event.message)
                self._changed.wait(self._pending[0].due - now if self._pending else None)

    def _deliver(self, stream: str, time_ms: int, message: str) -> None:
        if LOG_GROUP not in self._backend.groups:
            self._backend.create_log_group(LOG_GROUP, {})
        group = self._backend.groups[LOG_GROUP]
        if stream not in group.streams:
            group.create_log_stream(stream)
        group.streams[stream].put_log_events([{"timestamp": time_ms, "message": message}])


def _split(message: str) -> list[str]:
    data = message.encode()
    if len(data) <= EVENT_BYTES:
        return [message]
    pieces = []
    while data:
        piece = data[:EVENT_BYTES].decode(errors="ignore")  # not within a character
        pieces.append(piece)
        data = data[len(piece.encode()) :]
    return pieces
