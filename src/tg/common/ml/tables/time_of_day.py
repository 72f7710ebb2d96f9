"""Times of day as numbers: seconds since midnight, to the microsecond, which is what Python's times hold."""

import datetime
import re

_ISO = re.compile(r"\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?", re.ASCII)


def count_seconds(time: datetime.time) -> float:
    """Returns the seconds since midnight, as the nearest float."""
    seconds = (time.hour * 60 + time.minute) * 60 + time.second
    return (seconds * 1_000_000 + time.microsecond) / 1e6


def parse_time_of_day(text: str) -> "datetime.time | None":
    """Reads ``12:30``, ``12:30:00`` or ``12:30:00.5``, without what is below a microsecond; None for other text."""
    if not _ISO.fullmatch(text):
        return None
    clock, _, fraction = text.replace(",", ".").partition(".")
    try:
        time = datetime.time.fromisoformat(clock)
    except ValueError:
        return None
    return time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
