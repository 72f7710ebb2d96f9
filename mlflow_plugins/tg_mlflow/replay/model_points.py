"""Which points of a job's runs logged models can have, too."""

from typing import Any

NOTE = "of several values that a metric has at one step in a millisecond, a logged model has the first; the run has all"


class ModelPoints:
    """Knows the points of a job's logged models.

    A server takes one of each run, metric, step and millisecond, and answers another one as if it had broken down. A
    job's store is quick enough for more, unlike one that is asked over a network.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[Any, ...], str] = {}

    def take(self, run: str, key: str, value: float | str, time_ms: int, step: int, model: str | None = None) -> bool:
        """Takes a point, if it has no model, or a server takes it for its model or has it already."""
        if model is None:
            return True
        return self._values.setdefault((model, run, key, int(time_ms), int(step)), repr(value)) == repr(value)
