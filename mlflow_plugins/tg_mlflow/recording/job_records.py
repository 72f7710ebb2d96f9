"""Takes what a job itself tells its launcher out of its output, and passes it on by what it is about."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tg.common.delivery.sagemaker.contract.job_lines import MARKER
from tg.common.delivery.sagemaker.contract.record_lines import LineRecord, RecordLineParser

# Takes one record, and when the job has written it, in milliseconds since 1970 (UTC). It is called on the thread that
# reads the output, and may be called with the same records again: it must not wait, and must come to the same run.
JobRecordHandler: TypeAlias = Callable[[Mapping[str, Any], int], None]


class JobRecords:
    """Passes each record on to the handler of its ``op``; records without one are left out.

    Args:
        handlers: Tables of handlers by ``op``; a record goes to the handler of each.
    """

    def __init__(self, *handlers: Mapping[str, JobRecordHandler]) -> None:
        self._handlers = handlers
        self._parser = RecordLineParser(MARKER)

    def feed(self, data: bytes, time_ms: int) -> bytes:
        """Takes the next bytes, which were written at ``time_ms``; returns them without the records' lines."""
        text, records = self._parser.feed(data)
        self._pass_on(records, time_ms)
        return text

    def finish(self, time_ms: int) -> bytes:
        """Ends the output, and returns what was held back."""
        text, records = self._parser.finish()
        self._pass_on(records, time_ms)
        return text

    def _pass_on(self, records: list[LineRecord], time_ms: int) -> None:
        for record in records:
            op = record.content.get("op")
            for table in self._handlers:
                if isinstance(op, str) and op in table:
                    table[op](record.content, time_ms)
