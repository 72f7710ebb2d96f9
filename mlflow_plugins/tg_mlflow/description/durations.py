"""Writes times and durations for people."""

from datetime import datetime, timezone

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def format_duration(seconds: float) -> str:
    """Formats a duration in at most two units, such as ``3 min 20 s``; in days from two days on."""
    whole = max(0, round(seconds))
    if whole < 1:
        return "less than 1 s"
    for least, unit, size, smaller, smaller_size in (
        (2 * _DAY, "d", _DAY, "h", _HOUR),
        (_HOUR, "h", _HOUR, "min", _MINUTE),
        (_MINUTE, "min", _MINUTE, "s", 1),
    ):
        if whole >= least:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def format_time(time_ms: float, with_date: bool = True) -> str:
    """Formats a time, in milliseconds since 1970, such as ``2026-11-30 17:40 UTC``."""
    moment = datetime.fromtimestamp(time_ms / 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if with_date else f"{moment:%H:%M} UTC"
