"""Keeps a growing log in a run as an artifact, refreshed while it grows."""

import logging
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from mlflow import MlflowClient

_logger = logging.getLogger("mlflow.tg_mlflow")

_REFRESH_SECONDS = 5
# A long log takes long to send: so many times as long nothing is sent then.
_PAUSE_FACTOR = 20


class LogArtifact:
    """Writes a log to disk, and from there to ``logs/train.log`` of a run, from a thread of its own.

    A context: when it is left, the whole log has been sent. A log that cannot be sent ends nothing: it is said, and the
    file stays on disk.

    Args:
        client: The tracking server's.
        run_id: A run that exists.

    Attributes:
        failure: Why the log could not be sent at the end, and where it is; ``None`` if it could.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.failure: str | None = None
        self._client = client
        self._run_id = run_id
        self._path = Path(tempfile.mkdtemp(prefix="tg-mlflow-log-")) / "train.log"
        self._file = self._path.open("wb", buffering=0)
        self._sent = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._refresh_until_closed, name="tg-log-artifact", daemon=True)

    def __enter__(self) -> "LogArtifact":
        self._thread.start()
        return self

    def write(self, data: bytes) -> None:
        """Appends to the log."""
        self._file.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        self._file.close()
        try:
            self._send()
        except Exception as problem:  # noqa: BLE001 - whatever keeps the log from its place is no failure of the training
            self.failure = f"the log could not be sent ({problem}); it is {self._path}"
            _logger.warning("%s", self.failure)
            return
        self._path.unlink()
        self._path.parent.rmdir()

    def _refresh_until_closed(self) -> None:
        pause: float = _REFRESH_SECONDS
        while not self._closed.wait(pause):
            start = time.monotonic()
            try:
                self._send()
            except Exception as problem:  # noqa: BLE001 - it is sent again, at the latest at the end
                _logger.warning("The log cannot be sent now (%s); it is kept and sent again", problem)
            pause = max(_REFRESH_SECONDS, _PAUSE_FACTOR * (time.monotonic() - start))

    def _send(self) -> None:
        size = self._path.stat().st_size
        if size > self._sent:
            self._client.log_artifact(self._run_id, str(self._path), "logs")
            self._sent = size
