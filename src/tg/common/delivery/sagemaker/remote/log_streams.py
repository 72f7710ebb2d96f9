"""Log streams in CloudWatch: what each machine of a job has written since its start, and what of it is missing."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws.session import AwsSession
from ..contract.cluster import is_of_other
from ..contract.log_event import LogEvent
from ..contract.log_size import LogCounter, LogSize, parse_log_end
from ..contract.ml_folder import LEADER

GROUP = "/aws/sagemaker/TrainingJobs"

# A page with fewer characters is not full: CloudWatch returns up to 10,000 events and 1 MB.
_FULL_PAGE = 100_000


class LogStream:
    """Reads a stream, counts what it has read, and leaves out the line that says how much there should be.

    Args:
        aws: The account.
        job_id: The job.
        name: The stream's name, ``<job>/algo-<n>-<seconds since 1970>``.
        host: The machine.
        attempt: Which of the machine's streams it is, from 1: each start of the job begins another one.
        all_hosts: Whether the metrics of all machines count.
    """

    def __init__(self, aws: AwsSession, job_id: str, name: str, host: str, attempt: int, all_hosts: bool) -> None:
        self.name = name
        self.host = host
        self._attempt = attempt
        self._aws = aws
        self._job_id = job_id
        self._all_hosts = all_hosts
        self._token: str | None = None
        self._counter = LogCounter()
        self._end: dict[str, Any] | None = None  # the event of this line, unless a later one has come
        self._seen = array("q")  # what tells each event from others

    @property
    def size(self) -> LogSize:
        """How much has been read."""
        return self._counter.size

    @property
    def told(self) -> LogSize | None:
        """How long the log is, as its last line says; ``None`` as long as that line is not here."""
        return None if self._end is None else parse_log_end(self._end["message"].encode())

    @property
    def order(self) -> tuple[int, str]:
        """Sorts the streams of a machine by their beginning."""
        start = re.search(r"-(\d+)$", self.name)
        return (int(start[1]) if start else 0), self.name

    def find_missing(self, told: LogSize | None = None) -> str | None:
        """Says what is missing; ``None`` if nothing is known to be.

        Args:
            told: How long the log is, where its last line, too, is missing.
        """
        told = self.told or told
        return None if told is None else told.find_missing(self.size, is_exact=False)

    def read(self, is_brief: bool) -> Iterator[LogEvent]:
        """Yields new events; a page without events is not the end, a repeated token is.

        Args:
            is_brief: Whether to stop at a page that is not full.
        """
        while True:
            page = self._get_page(self._token)
            for event in page["events"]:
                yield from self._take(event)
            if page["nextForwardToken"] == self._token:
                return
            self._token = page["nextForwardToken"]
            if is_brief and sum(len(event["message"]) for event in page["events"]) < _FULL_PAGE:
                return

    def read_late(self) -> Iterator[LogEvent]:
        """Reads the stream from its beginning, and yields what has not been there before.

        What is late stands where it was written: before events that were read earlier.
        """
        seen, token = Counter(self._seen), None
        while True:
            page = self._get_page(token)
            for event in page["events"]:
                if seen[(key := _key(event))] > 0:
                    seen[key] -= 1
                else:
                    yield from self._take(event)
            if page["nextForwardToken"] == token:
                self._token = token
                return
            token = page["nextForwardToken"]

    def _get_page(self, token: str | None) -> Any:
        def get() -> Any:
            given = {} if token is None else {"nextToken": token}
            client = self._aws.client("logs")
            return client.get_log_events(logGroupName=GROUP, logStreamName=self.name, startFromHead=True, **given)

        return self._aws.follow(self._job_id, get)

    def _take(self, event: dict[str, Any]) -> Iterator[LogEvent]:
        self._seen.append(_key(event))
        is_end = parse_log_end(event["message"].encode()) is not None
        if self._end is not None and (is_end or event["timestamp"] > self._end["timestamp"]):
            yield self._build(self._end)  # the training itself has written such a line
            self._end = None
        if is_end:
            self._end = event
        else:
            yield self._build(event)

    def _build(self, event: dict[str, Any]) -> LogEvent:
        text = event["message"].removesuffix("\n").encode() + b"\n"
        self._counter.feed(text)
        time_ms, attempt = event["timestamp"], self._attempt
        if self.host == LEADER:
            return LogEvent(text, time_ms, attempt=attempt)
        shown = text if is_of_other(text) else f"{self.host} | ".encode() + text
        return LogEvent(shown, time_ms, self._all_hosts, self.host, attempt)


def has_told(streams: Sequence[LogStream], machines: int) -> bool:
    """Returns whether the last line of each machine's last stream has been read, which says how long its log is."""
    return all(last is not None and last.told is not None for _, last in _last_streams(streams, machines))


def find_missing(streams: Sequence[LogStream], machines: int, told: Mapping[str, Any] | None) -> str | None:
    """Says what is missing of a job's log; ``None`` if nothing is, or if the job says nothing of its log.

    Args:
        streams: What has been read.
        machines: How many machines the job has.
        told: What the job's results say of the log of one machine: its name as ``host``, and a ``LogSize``; nothing if
            the job could not note that; ``None`` if nobody has counted.
    """
    if told is None and not any(each.told for each in streams):
        return None
    found = []
    for host, last in _last_streams(streams, machines):
        name = f"{host}: " if machines > 1 else ""
        size = _read_size(told, host)
        if last is None and size != LogSize():
            lines = "its lines" if size is None else f"its {size.lines:,} lines"
            found.append(
                f"{name}0 of {lines} are here, as CloudWatch has no log stream of it; may the job's role do "
                "logs:CreateLogStream and logs:PutLogEvents?"
            )
        elif last is not None and last.told is None and size is None:
            found.append(f"{name}its last line, which says how long it is, is not here")
        # Streams before a restart end as they may, unless they say how.
        of_host = [each for each in streams if each.host == host]
        missing = (each.find_missing(size if each is last else None) for each in of_host)
        found += [f"{name}{each}" for each in missing if each is not None]
    return "; ".join(found) or None


def _last_streams(streams: Sequence[LogStream], machines: int) -> Iterator[tuple[str, LogStream | None]]:
    """Yields each machine's name, and its stream since it was last restarted."""
    names = {f"algo-{number + 1}" for number in range(machines)} | {each.host for each in streams}
    for host in sorted(names, key=lambda name: int(name.rpartition("-")[2])):
        yield host, max((each for each in streams if each.host == host), key=lambda each: each.order, default=None)


def _read_size(told: Mapping[str, Any] | None, host: str) -> LogSize | None:
    try:
        return LogSize.from_json(told) if told and told["host"] == host else None
    except (ValueError, KeyError, TypeError):
        return None


def _key(event: dict[str, Any]) -> int:
    return hash((event["timestamp"], event["message"]))
