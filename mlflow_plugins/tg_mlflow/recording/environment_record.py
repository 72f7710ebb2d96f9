"""Keeps in a run where its job trains: Python, libraries, processor, threads."""

import json
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tg_mlflow.errors import TrackingError
from tg_mlflow.recording.background_write import BackgroundWrite
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import ENVIRONMENT_ARTIFACT

_logger = logging.getLogger("mlflow.tg_mlflow")


class EnvironmentRecord:
    """Logs what a job says of its environment at its start as ``environment.json``, in a thread.

    A context: when it is left, it has been logged, or a warning says that it has not. Of a job that starts several
    times, the last start counts.

    Args:
        client: The tracking server's.
        run_id: A run that exists.

    Attributes:
        is_missing: Whether the run lacks what the job has said.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self._run_id = run_id
        self._sending = BackgroundWrite(
            "tg-environment", lambda: self._send(client.without_patience()), lambda: self._send(client)
        )
        self._unsent: str | None = None

    def __enter__(self) -> "EnvironmentRecord":
        return self

    def take(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes the record of a start."""
        environment = content.get("environment")
        if isinstance(environment, dict):
            self._unsent = json.dumps(environment, indent=1)
            self._sending.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._sending.finish()
        except TrackingError as problem:
            _logger.warning("%s is not in run %s: %s", ENVIRONMENT_ARTIFACT, self._run_id, problem)

    @property
    def is_missing(self) -> bool:
        return self._unsent is not None

    def _send(self, client: TrackingClient) -> None:
        text = self._unsent
        if text is not None:
            client.log_text(self._run_id, text, ENVIRONMENT_ARTIFACT)
            if self._unsent is text:
                self._unsent = None
