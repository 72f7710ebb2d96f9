"""Runs an engine's processes on one host."""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..contract.cluster import Cluster, Distribution, format_owner
from ..contract.ml_folder import MlFolder
from .engine import OUTPUT_VARIABLE, EngineProcess, ending_together, name_outputs
from .failure import HostEnd, read_end
from .output import OutputPump, Sink

# How long the rest of the output is waited for: what a task has left running may hold it open.
_REST_SECONDS = 2


class EngineRun:
    """Runs the processes of a host until the first of them ends. A context: what is left of them ends with it.

    Args:
        cluster: The hosts.
        distribution: The engine.
        folder: This host's ``/opt/ml``.
        sink: Takes the output.
        ended: Gets ``(host, end)``, a :class:`HostEnd`, when the engine has ended by itself.
    """

    def __init__(
        self,
        cluster: Cluster,
        distribution: Distribution,
        folder: MlFolder,
        sink: Sink,
        ended: "queue.SimpleQueue[tuple[str, object]]",
    ) -> None:
        self._cluster = cluster
        self._distribution = distribution
        self._folder = folder
        self._sink = sink
        self._ended = ended
        self._running: list[subprocess.Popen[bytes]] = []
        self._pumps: list[OutputPump] = []
        self._held: list[int] = []

    def __enter__(self) -> "EngineRun":
        self._outputs = tempfile.TemporaryDirectory(prefix="tg-output-")
        names = name_outputs(self._cluster, self._distribution)
        for number, (name, owner) in enumerate(names.items()):
            self._open_output(name, owner, is_first=self._cluster.is_leader and number == 0)
        return self

    def _open_output(self, name: str, owner: bytes, is_first: bool) -> None:
        """Makes a FIFO; this process holds it open, so that no writer waits for a reader or has none."""
        path = Path(self._outputs.name, name)
        os.mkfifo(path, 0o600)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._held.append(os.open(path, os.O_WRONLY))
        os.set_blocking(reader, True)
        self._pumps.append(OutputPump(reader, self._sink, None if is_first else owner))

    def start(self, processes: Sequence[EngineProcess]) -> None:
        """Starts the processes.

        Raises:
            OSError: If one cannot be started.
        """
        for each in processes:
            reader, writer = os.pipe()
            try:
                started = subprocess.Popen(
                    ending_together(each.command),
                    env={**os.environ, **each.variables, OUTPUT_VARIABLE: self._outputs.name},
                    stdin=subprocess.DEVNULL,
                    stdout=writer,
                    stderr=writer,
                    # A command that is stopped passes the signal on to its whole group, in which this process is not.
                    start_new_session=True,
                )
            finally:
                os.close(writer)
            self._running.append(started)
            self._pumps.append(OutputPump(reader, self._sink, format_owner(self._cluster.host, each.name)))
            threading.Thread(target=self._watch, args=(started, each), daemon=True).start()

    def _watch(self, process: "subprocess.Popen[bytes]", description: EngineProcess) -> None:
        code = process.wait()
        end = read_end(self._folder, code, time.time())
        if description.is_daemon:
            reason = f"its {description.name} has ended with exit code {code}; see the log"
            end = HostEnd(reason, end.time, is_silent=True)
        self._ended.put((self._cluster.host, end))

    def stop(self, seconds: float) -> None:
        """Ends what still runs: by SIGTERM, which lets it save what it has, and by SIGKILL after some seconds."""
        deadline = time.monotonic() + seconds
        for number in (signal.SIGTERM, signal.SIGKILL):
            for each in self._running:
                if each.poll() is None:
                    each.send_signal(number)
            for each in self._running:
                try:
                    each.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop(0)
        for each in self._held:
            os.close(each)
        deadline = time.monotonic() + _REST_SECONDS
        for pump in self._pumps:
            pump.join(max(0.0, deadline - time.monotonic()))
        self._outputs.cleanup()
