"""Keeps a growing log in a run as an artifact, refreshed while it grows."""

import logging
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from tg.common.secrets import SecretMask
from tg.common.system.temporary_folder import TEMPORARY_PREFIX, lock_folder, temporary_folder
from tg_mlflow.tracking.client import TrackingClient

_logger = logging.getLogger("mlflow.tg_mlflow")

LOG_ARTIFACT = "logs/train.log"

_KEPT_PREFIX = "tg-mlflow-log-"  # of the folder of a log that could not be sent
_REFRESH_SECONDS = 5
# A long log takes long to send: so many times as long nothing is sent then.
_PAUSE_FACTOR = 20


class LogArtifact:
    """Writes a log to disk, and from there to ``logs/train.log`` of a run, from a thread of its own.

    A context: when it is left, the whole log has been sent. A log that cannot be sent fails nothing: a
    warning says so, and the file stays on disk. A full disk fails nothing either; the log is cut then.

    Args:
        client: The tracking server's.
        run_id: A run that exists.

    Attributes:
        failure: Why the log is not complete, or why it could not be sent at the end, and where it is; ``None`` if it
            was sent as a whole.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self.failure: str | None = None
        self._client = client
        self._run_id = run_id
        self._sent = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._refresh_until_closed, name="tg-log-artifact", daemon=True)

    def __enter__(self) -> "LogArtifact":
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
        self._lock = lock_folder(folder)
        self._path = folder / Path(LOG_ARTIFACT).name
        self._file = self._path.open("wb", buffering=0)
        self._thread.start()
        return self

    def write(self, data: bytes) -> None:
        """Appends to the log."""
        rest = memoryview(data)
        try:
            while rest and self.failure is None:
                rest = rest[self._file.write(rest) :]
        except OSError as problem:
            self.failure = f"the log is not complete ({problem})"
            _logger.warning("%s; the training goes on", self.failure)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        self._file.close()
        try:
            self._send(self._client, self._path)
        except Exception as problem:  # noqa: BLE001 - whatever keeps the log from its place is no failure of the training
            self.failure = f"the log could not be sent ({SecretMask().mask(str(problem))}); it is {self._keep()}"
            _logger.warning("%s", self.failure)
        else:
            shutil.rmtree(self._path.parent, ignore_errors=True)  # what the disk keeps of it all the same fails nothing
        if self._lock is not None:
            os.close(self._lock)

    def _keep(self) -> Path:
        """Renames the log's folder, if the disk lets it, which nobody is to take for a temporary one.

        Returns:
            The log.
        """
        folder = self._path.parent
        kept = folder.with_name(folder.name.replace(TEMPORARY_PREFIX, _KEPT_PREFIX))
        try:
            return folder.rename(kept) / self._path.name
        except OSError:
            return self._path

    def _refresh_until_closed(self) -> None:
        pause: float = _REFRESH_SECONDS
        while not self._closed.wait(pause):
            start = time.monotonic()
            try:
                self._send_copy()
            except Exception as problem:  # noqa: BLE001 - it is sent again, at the latest at the end
                reason = SecretMask().mask(str(problem))
                _logger.warning("The log cannot be sent now (%s); it is kept and sent again", reason)
            pause = max(_REFRESH_SECONDS, _PAUSE_FACTOR * (time.monotonic() - start))

    def _send_copy(self) -> None:
        """Sends the log as it is now. What would be added to the file meanwhile would be sent behind the request."""
        if self._path.stat().st_size > self._sent:
            with temporary_folder(parent=self._path.parent) as folder:
                self._send(self._client.without_patience(), shutil.copyfile(self._path, folder / self._path.name))

    def _send(self, client: TrackingClient, path: Path) -> None:
        size = path.stat().st_size
        if size > self._sent:
            client.log_artifact(self._run_id, str(path), str(Path(LOG_ARTIFACT).parent))
            self._sent = size
