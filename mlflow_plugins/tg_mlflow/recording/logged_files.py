"""The files that a job's task has logged through its environment."""

from collections.abc import Mapping
from typing import Any

from tg_mlflow.replay.record_stream import Record


class LoggedFiles:
    """Takes what a job says of them. Small ones are replayed like those that are given to MLflow.

    Attributes:
        awaited: The names of those that come with the results.
    """

    def __init__(self) -> None:
        self.awaited: set[str] = set()
        self._records: list[Record] = []

    def take(self, content: Mapping[str, Any], time_ms: int) -> None:
        """Takes one file; a later one of the same name replaces it."""
        name = str(content.get("path"))
        if "data" in content:
            self._records.append(dict(content))
            self.awaited.discard(name)
        else:
            self.awaited.add(name)

    def pop_records(self) -> list[Record]:
        """Returns those that are to be replayed now."""
        records, self._records = self._records, []
        return records
