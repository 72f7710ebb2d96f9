"""Answers CloudWatch's ``GetLogEvents`` from moto's streams: pages, tokens and limits as AWS has them."""

import re
import threading
from bisect import bisect_left, bisect_right
from typing import Any

from moto.logs.models import LogEvent, LogStream, logs_backends

from tests.aws_emulator.api_call import ACCOUNT_ID, ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.faults import Faults

PAGE_BYTES = 1 << 20
_TOKEN = re.compile(r"([fb])/(\d{56})/\w+")
_COUNT_OF_IDS = 10**20
_EVENT_OVERHEAD_BYTES = 26  # CloudWatch counts so many for an event beside its text


class LogEventsApi:
    """A token names the event beside which the next page begins, so that later events do not shift it.

    A page without events is not the end of a stream; a forward token that comes back unchanged is.
    """

    def __init__(self, region: str, faults: Faults) -> None:
        self._backend = logs_backends[ACCOUNT_ID][region]
        self._faults = faults
        self._empty_pages = 0
        self._lock = threading.Lock()
        self._sorted: dict[str, list[LogEvent]] = {}  # by the name of the stream, kept from call to call

    def get_log_events(self, call: ApiCall) -> dict[str, Any]:
        """Answers a call.

        Raises:
            ApiError: If there is no such group, stream or token.
        """
        query = call.parameters
        stream = self._find_stream(query)
        token = query.get("nextToken")
        match = _TOKEN.fullmatch(token or "")
        if token and not match:
            raise ApiError("InvalidParameterException", "The specified nextToken is invalid.")
        if self._faults.take("empty_page", call.name):
            return self._turn_empty_page(match)
        direction = match[1] if match else "f" if query.get("startFromHead") else "b"
        page = _cut_page(self._select(stream, query, match), query.get("limit", 10000), direction)
        if not page:
            position = int(match[2]) if match else 0
            same = token if match and direction == "f" else _write_token("f", position)
            return {"events": [], "nextForwardToken": same, "nextBackwardToken": _write_token("b", position)}
        return {
            "events": [event.to_response_dict() for event in page],
            "nextForwardToken": _write_token("f", _key(page[-1])),
            "nextBackwardToken": _write_token("b", _key(page[0])),
        }

    def _select(self, stream: LogStream, query: dict[str, Any], match: re.Match[str] | None) -> list[LogEvent]:
        """The events that the times and the token of a query leave, in order."""
        with self._lock:
            events = self._sorted.setdefault(stream.arn, [])
            if len(events) < len(stream.events):
                events.extend(stream.events[len(events) :])
                events.sort(key=_key)
            first = bisect_left(events, query.get("startTime", 0) * _COUNT_OF_IDS, key=_key)
            end = bisect_left(events, query["endTime"] * _COUNT_OF_IDS, key=_key) if "endTime" in query else len(events)
            if match and match[1] == "f":
                first = max(first, bisect_right(events, int(match[2]), key=_key))
            elif match:
                end = min(end, bisect_left(events, int(match[2]), key=_key))
            return events[first:end]

    def _turn_empty_page(self, match: re.Match[str] | None) -> dict[str, Any]:
        self._empty_pages += 1
        position = int(match[2]) if match else 0
        return {
            "events": [],
            "nextForwardToken": _write_token("f", position, f"e{self._empty_pages}"),
            "nextBackwardToken": _write_token("b", position),
        }

    def _find_stream(self, query: dict[str, Any]) -> LogStream:
        name = query.get("logGroupName") or query.get("logGroupIdentifier", "").rpartition("log-group:")[2]
        group = self._backend.groups.get(name.removesuffix(":*"))
        if group is None:
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        if query["logStreamName"] not in group.streams:
            raise ApiError("ResourceNotFoundException", "The specified log stream does not exist.")
        stream: LogStream = group.streams[query["logStreamName"]]
        return stream


def _key(event: LogEvent) -> int:
    return int(event.timestamp) * _COUNT_OF_IDS + int(event.event_id) + 1


def _cut_page(events: list[LogEvent], limit: int, direction: str) -> list[LogEvent]:
    page: list[LogEvent] = []
    size = 0
    for event in events if direction == "f" else reversed(events):
        size += len(event.message.encode()) + _EVENT_OVERHEAD_BYTES
        if len(page) == limit or size > PAGE_BYTES:
            break
        page.append(event)
    return page if direction == "f" else page[::-1]


def _write_token(direction: str, position: int, mark: str = "s") -> str:
    return f"{direction}/{position:056d}/{mark}"
