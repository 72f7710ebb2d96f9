"""What is missing of a log that a supervisor has kept."""


def find_missing(kept_bytes: int | None, taken_bytes: int) -> str | None:
    """Says what is missing of an ended job's log; ``None`` if nothing is.

    Args:
        kept_bytes: How many bytes the supervisor has kept; ``None`` if it does not know whether that is all.
        taken_bytes: How many of them have been read.
    """
    if kept_bytes is None:
        return "the process that kept it ended with the job, and may have lost the last lines"
    return None if taken_bytes == kept_bytes else f"{taken_bytes:,} of its {kept_bytes:,} bytes are here"
