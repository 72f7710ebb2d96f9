"""Compares what has been read of a job's log streams with what the job says of its log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..contract.log_size import LogSize
from .log_stream import LogStream


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
