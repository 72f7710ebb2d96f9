"""Says in a run what of its job's calls of MLflow is not on the server."""

import json
import logging
from typing import Any

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import is_deleted
from tg_mlflow.tracking.tags import MLFLOW_NOTES_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

# So that all of them fit into one tag.
_MOST_NOTES = 15
_MOST_OPERATIONS = 20
_LONGEST_NOTE = 300
_LONGEST_OPERATION = 50


class ReplayNotes:
    """Writes the tag ``tg.mlflow_notes``, with what could not be done, and logs each kind of it once as a warning.

    Args:
        client: The tracking server's.
        run_id: The run of the training.

    Attributes:
        is_of_the_past: Whether something is told that whoever takes over has to meet again to tell it.
    """

    def __init__(self, client: TrackingClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._content: dict[str, Any] = {}
        self._is_written = True
        self.is_of_the_past = False

    def add(self, text: str, is_said_again: bool = True) -> None:
        """Notes a sentence, once.

        Args:
            text: The sentence.
            is_said_again: Whether whoever takes over comes to it wherever the recording goes on.
        """
        self.is_of_the_past |= not is_said_again
        notes, text = self._content.setdefault("notes", []), self._shorten(text)
        if text not in notes and len(notes) < _MOST_NOTES:
            notes.append(text)
            self._is_written = False
            _logger.warning("%s", text)

    def add_refused(self, what: str, answer: TrackingError, count: int = 1) -> None:
        """Counts what the server has refused.

        Raises:
            TrackingError: If the server takes nothing for the training's run, since that is deleted.
        """
        self.is_of_the_past = True
        if "refused" not in self._content:
            if is_deleted(self._client.get_run(self._run_id)):
                raise TrackingError("it is deleted; restore it first", is_final=True) from answer
            what, reason = self._shorten(what), self._shorten(str(answer))
            self._content["refused"] = {"count": 0, "first": what, "reason": reason}
            _logger.warning("The tracking server refuses %s (%s); the rest is recorded", what, reason)
        self._count("refused", count)

    def add_unreadable(self, record: Any, reason: str) -> None:
        """Counts a record that does not say what to do."""
        self.is_of_the_past = True
        if "unreadable" not in self._content:
            first = self._shorten(json.dumps(record, ensure_ascii=False))
            self._content["unreadable"] = {"count": 0, "first": first, "reason": self._shorten(reason)}
            _logger.warning("A call of MLflow cannot be replayed (%s): %s", self._shorten(reason), first)
        self._count("unreadable", 1)

    def add_unknown(self, operation: str) -> None:
        """Counts an operation of a job of a later version."""
        self.is_of_the_past = True
        unknown = self._content.setdefault("unknown", {})
        operation = self._shorten(operation)[:_LONGEST_OPERATION]
        if operation not in unknown:
            if len(unknown) >= _MOST_OPERATIONS:
                return
            _logger.warning("This version of tg-mlflow cannot replay %r; update it where it launches", operation)
        unknown[operation] = unknown.get(operation, 0) + 1
        self._is_written = False

    def set_missing(self, count: int) -> None:
        """Notes how many records are missing in the log."""
        if count and self._content.get("missing") != count:
            self._content["missing"] = count
            self._is_written = False
            _logger.warning("%d calls of MLflow are missing in the job's log, or cannot be read there", count)

    def write(self) -> None:
        """Writes the tag if there is something new; may be called again if it raises."""
        if not self._is_written:
            self._client.set_tag(self._run_id, MLFLOW_NOTES_TAG, json.dumps(self._content, ensure_ascii=False))
            self._is_written = True

    def _count(self, kind: str, count: int) -> None:
        self._content[kind]["count"] += count
        self._is_written = False

    def _shorten(self, text: str) -> str:
        return self._client.mask.mask(text)[:_LONGEST_NOTE]
