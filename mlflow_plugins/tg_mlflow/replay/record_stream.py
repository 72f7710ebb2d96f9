"""Reads the records of a job's calls of MLflow from its output."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from tg.common.delivery.sagemaker.contract.mlflow_lines import MARKER
from tg.common.delivery.sagemaker.contract.record_lines import LineRecord, RecordLineParser

Record: TypeAlias = dict[str, Any]

# The first record of each attempt of a job.
BEGIN = "begin"


class RecordStream:
    """Takes records out of an output, each of them once, and counts what is missing.

    Attributes:
        missing_count: How many records of the output are not in it, or cannot be read, so far.
    """

    def __init__(self) -> None:
        self._parser = RecordLineParser(MARKER)
        self._last = 0
        self._skipped = 0

    @property
    def missing_count(self) -> int:
        # A line that cannot be read leaves a gap in the numbers, too, unless its number is not readable or the last.
        return max(self._skipped, self._parser.unreadable_count)

    def feed(self, data: bytes) -> tuple[bytes, list[Record]]:
        """Takes the next bytes.

        Returns:
            The output without the lines of records, and the records that are complete now.
        """
        text, records = self._parser.feed(data)
        return text, list(self._select(records)) if records else []

    def finish(self) -> tuple[bytes, list[Record]]:
        """Ends the output, and returns what was held back."""
        text, records = self._parser.finish()
        return text, list(self._select(records))

    def _select(self, records: list[LineRecord]) -> Iterator[Record]:
        for sequence, content in records:
            if content.get("op") == BEGIN:
                self._last = sequence - 1
            if sequence <= self._last:
                continue  # this part of the output has come before
            self._skipped += sequence - self._last - 1
            self._last = sequence
            yield content
