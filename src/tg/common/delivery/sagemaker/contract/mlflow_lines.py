"""MLflow lines: how what a job's code gives to MLflow reaches the launcher through the job's log.

They are record lines. Numbers count from 1; each attempt of a job begins anew.
"""

from collections.abc import Iterator

from .record_lines import format_record_lines

MARKER = b"###MLFLOW###"


def format_mlflow_lines(sequence: int, content: str) -> Iterator[bytes]:
    """Formats one record as lines of the log, each with its end.

    Args:
        sequence: Its number.
        content: What ``record_lines.format_content`` has formatted.
    """
    return format_record_lines(MARKER, sequence, content)
