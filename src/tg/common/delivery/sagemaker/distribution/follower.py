"""The part of a host that is not the leader."""

import queue
import socket
import threading
import time
from collections.abc import Sequence

from ....errors import TgError
from ....logger import Logger
from ..contract.cluster import Cluster, Distribution
from ..contract.ml_folder import MlFolder
from .connection import Connection
from .engine import build_processes
from .engine_run import EngineRun
from .failure import HostEnd
from .leader import COMING_SECONDS
from .member_files import read_files
from .output import Sink

_ENDING_SECONDS = 100
_PAUSE_SECONDS = 0.2
_CONNECT_SECONDS = 5


class Follower:
    """Runs the engine on a host, and ends when the leader says so or is gone.

    Args:
        cluster: The hosts.
        distribution: The engine.
        folder: ``/opt/ml``.
        program: The command of the job.
        connection: To the leader, which knows this host.
        sink: Takes this host's output.
        sends_files: Whether the leader's archive is all that is kept.
    """

    def __init__(
        self,
        cluster: Cluster,
        distribution: Distribution,
        folder: MlFolder,
        program: Sequence[str],
        connection: Connection,
        sink: Sink,
        sends_files: bool,
    ) -> None:
        self._cluster = cluster
        self._distribution = distribution
        self._folder = folder
        self._program = program
        self._connection = connection
        self._sink = sink
        self._sends_files = sends_files
        self._events: queue.SimpleQueue[tuple[str, object]] = queue.SimpleQueue()

    def run(self) -> None:
        """Trains to the end of all hosts.

        Raises:
            TgError: If one of them has failed, or the leader is gone.
        """
        threading.Thread(target=self._receive, daemon=True).start()
        engine = EngineRun(self._cluster, self._distribution, self._folder, self._sink, self._events)
        try:
            with engine:
                try:
                    self._follow(engine)
                finally:
                    engine.stop(_ENDING_SECONDS)
        finally:
            self._connection.close()

    def _receive(self) -> None:
        while (message := self._connection.receive()) is not None:
            self._events.put(("", message[0]))
        self._events.put(("", None))

    def _follow(self, engine: EngineRun) -> None:
        end: HostEnd | None = None
        while True:
            _, event = self._events.get()
            if isinstance(event, HostEnd):
                if end is None:
                    end = event
                    self._tell_end(end)
            elif not isinstance(event, dict):
                raise TgError(f"host {self._cluster.leader}: it is gone without a word, as if it was killed")
            elif event["op"] == "start":
                engine.start(
                    build_processes(self._cluster, self._distribution, self._program, event["address"], event["port"])
                )
            elif event["op"] == "stop":
                raise TgError(event["reason"])
            elif event["op"] == "finish":
                end = end or HostEnd(None, time.time())
                engine.stop(_ENDING_SECONDS)
                self._tell_end(end)
            else:  # bye
                return

    def _tell_end(self, end: HostEnd) -> None:
        if end.reason is None and self._sends_files:
            for data in read_files(self._folder):
                self._connection.send({"op": "files"}, data)
        self._connection.send({"op": "end", "reason": end.reason, "time": end.time, "is_silent": end.is_silent})


def connect_to_leader(cluster: Cluster, address: str, port: int, token: str) -> Connection:
    """Connects to the leader, whose name may be known late.

    Raises:
        TgError: If it cannot be reached for too long.
    """
    deadline = time.monotonic() + COMING_SECONDS
    while True:
        try:
            stream = socket.create_connection((address, port), _CONNECT_SECONDS)
            break
        except OSError as error:  # its name cannot be found, or it does not listen yet
            if time.monotonic() >= deadline:
                raise TgError(
                    f"host {cluster.leader}: it cannot be reached at {address}:{port} for {COMING_SECONDS} seconds "
                    f"({error}); check that the hosts reach each other"
                ) from error
            time.sleep(_PAUSE_SECONDS)
    connection = Connection(stream)
    connection.send({"op": "hello", "host": cluster.host, "token": token})
    Logger.info(f"Host {cluster.host} has reached {cluster.leader}")
    return connection
