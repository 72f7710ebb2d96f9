"""The leader's part of a training on several hosts."""

import hmac
import os
import queue
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from ....errors import TgError
from ....logger import Logger
from ..contract.cluster import DASK, Cluster, Distribution
from ..contract.ml_folder import MlFolder
from .connection import Connection
from .engine import build_processes
from .engine_run import EngineRun
from .failure import STOPPED, HostEnd, find_cause
from .member_files import keep_files
from .output import Sink

# How long other hosts may take to come, and to end when they are told to or when the others have.
COMING_SECONDS = 600
_ENDING_SECONDS = 100
_LATE_SECONDS = 60
# What else goes wrong within this time may be the cause of what was noticed first.
_CAUSE_SECONDS = 2
_FAILING_SECONDS = 15


@dataclass
class _Message:
    content: dict[str, Any]
    data: bytes


class Leader:
    """Lets the other hosts come, starts the engine, and ends all hosts together.

    Args:
        cluster: The hosts.
        distribution: The engine.
        folder: ``/opt/ml``.
        program: The command of the job.
        address: Where the others reach this host.
        listener: The socket on which they do.
        token: What they must know.
        sink: Takes the log of all hosts.
        local: The processes of the other hosts, where this one has started them.
    """

    def __init__(
        self,
        cluster: Cluster,
        distribution: Distribution,
        folder: MlFolder,
        program: Sequence[str],
        address: str,
        listener: socket.socket,
        token: str,
        sink: Sink,
        local: "Mapping[str, subprocess.Popen[bytes]] | None" = None,
    ) -> None:
        self._cluster = cluster
        self._distribution = distribution
        self._folder = folder
        self._program = program
        self._address = address
        self._listener = listener
        self._token = token
        self._sink = sink
        self._local = local or {}
        self._events: queue.SimpleQueue[tuple[str, object]] = queue.SimpleQueue()
        self._connections: dict[str, Connection] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._open = set[str]()
        self._stack = ExitStack()

    def run(self) -> None:
        """Trains to the end of all hosts.

        Raises:
            TgError: If one has failed: it says which, and why.
        """
        with self._stack:
            self._run()

    def _run(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()
        engine = EngineRun(self._cluster, self._distribution, self._folder, self._sink, self._events)
        with engine:
            try:
                self._await_hosts()
                port = _find_port()
                for each in self._connections.values():
                    each.send({"op": "start", "port": port, "address": self._address})
                Logger.info(
                    f"Starting {self._distribution.kind} on {len(self._cluster.hosts)} hosts; metrics are those of "
                    "the first process, and other lines have the names of theirs"
                )
                engine.start(build_processes(self._cluster, self._distribution, self._program, self._address, port))
                cause = self._watch()
            except BaseException as error:
                is_failure = isinstance(error, Exception)
                self._tell({"op": "stop", "reason": str(error) if is_failure else STOPPED})
                engine.stop(_FAILING_SECONDS if is_failure else _ENDING_SECONDS)
                self._drain(_FAILING_SECONDS if is_failure else _ENDING_SECONDS)
                raise
            if cause is not None:
                self._tell({"op": "stop", "reason": cause})
                engine.stop(_FAILING_SECONDS)
                self._drain(_FAILING_SECONDS)
                raise TgError(cause)
            self._tell({"op": "bye"})
            self._drain(_LATE_SECONDS)
        for file in self._files.values():
            keep_files(file, self._folder)

    def _tell(self, content: dict[str, Any]) -> None:
        for each in self._connections.values():
            each.send(content)

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._receive, args=(Connection(stream),), daemon=True).start()

    def _receive(self, connection: Connection) -> None:
        """Passes the messages of one host on."""
        first = connection.receive()
        host = "" if first is None else str(first[0].get("host"))
        if first is None or not hmac.compare_digest(str(first[0].get("token")), self._token):
            connection.close()  # a stranger
            return
        self._events.put((host, connection))
        while (message := connection.receive()) is not None:
            content, data = message
            if content["op"] == "output":
                self._sink(data)
            else:
                self._events.put((host, _Message(content, data)))
        self._events.put((host, None))

    def _await_hosts(self) -> None:
        deadline = time.monotonic() + COMING_SECONDS
        while missing := set(self._cluster.hosts[1:]) - set(self._connections):
            host, event = self._next(deadline)
            if isinstance(event, Connection) and host in missing:
                self._connections[host] = event
                self._open.add(host)
                self._files[host] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_stack`
                self._stack.callback(self._files[host].close)
            elif event is None and host in self._connections:
                raise TgError(f"host {host}: it has ended before the training has begun; see the log")
            for each in missing:
                if each in self._local and (code := self._local[each].poll()) is not None:
                    raise TgError(f"host {each}: its process has ended with exit code {code} at its start")
            if time.monotonic() >= deadline:
                raise TgError(
                    f"host {min(missing)}: it has not come within {COMING_SECONDS} seconds; check that the hosts reach "
                    "each other"
                )

    def _next(self, deadline: float) -> tuple[str, object]:
        try:
            # A process that has ended without having come is looked for each second.
            return self._events.get(timeout=max(0.01, min(1.0, deadline - time.monotonic())))
        except queue.Empty:
            return "", ""

    def _watch(self) -> str | None:
        """Waits until all hosts have ended, or one has failed; returns which, and why."""
        ends: dict[str, HostEnd] = {}
        deadline = float("inf")
        leader = self._cluster.host
        while len(ends) < len(self._cluster.hosts) and time.monotonic() < deadline:
            host, event = self._next(deadline)
            end = self._take(host, event)
            if end is None or host in ends:
                continue
            ends[host] = end
            if end.reason is not None:
                deadline = min(deadline, time.monotonic() + _CAUSE_SECONDS)
            elif host == leader:
                deadline = min(deadline, time.monotonic() + _LATE_SECONDS)
                if self._distribution.kind == DASK:
                    self._tell({"op": "finish"})
        cause = find_cause(ends)
        late = [each for each in self._cluster.hosts if each not in ends]
        if cause is None and late:
            cause = f"host {late[0]}: it has not ended within {_LATE_SECONDS} seconds after the leader"
        return cause

    def _take(self, host: str, event: object) -> HostEnd | None:
        if isinstance(event, HostEnd):
            return event
        if event is None and host in self._open:
            self._open.discard(host)
            return HostEnd("it is gone without a word, as if it was killed", time.time(), is_silent=True)
        if isinstance(event, _Message):
            if event.content["op"] == "files":
                self._files[host].write(event.data)
            elif event.content["op"] == "end":
                content = event.content
                return HostEnd(content["reason"], content["time"], content["is_silent"])
        return None

    def _drain(self, seconds: float) -> None:
        """Waits until all hosts have closed their connections, and with it for the rest of their output."""
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            host, event = self._next(deadline)
            if event is None:
                self._open.discard(host)
        for each in self._connections.values():
            each.close()
        self._listener.close()


def _find_port() -> int:
    """Finds a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def write_all(data: bytes) -> None:
    """Writes to this process's log; if nothing reads it, the training goes on."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(1, rest) :]
    except OSError:
        return
