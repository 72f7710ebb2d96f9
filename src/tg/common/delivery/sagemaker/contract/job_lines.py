"""Job lines: what a job itself, rather than its training, tells its launcher through the log.

They are record lines, without a number where one line is enough. Their order is that of the log.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from .record_lines import LONGEST_RECORD, format_content, format_record_lines, write_line

MARKER = b"###JOB###"

# The first line of a job's process, before its task is loaded.
START = "start"
# How far the training is: how many are `done` `of` how many, what one of them is (`unit`), and the `time`.
PROGRESS = "progress"
# A file that the training has logged; without its data if that comes with the results.
FILE = "file"
# That the training goes on from a checkpoint: its `step`, and how many `points` of each metric were said by then,
# and which `run` has saved it, if that is known.
RESUMED = "resumed"

_STDOUT = 1


def format_job_lines(content: Mapping[str, Any]) -> Iterator[bytes]:
    """Formats one record as lines of the log, each with its end.

    Args:
        content: What it says, with the key ``op``.

    Raises:
        ValueError: If a number is not finite, which JSON does not have.
    """
    text = format_content(content)
    if len(text) <= LONGEST_RECORD:
        return iter([b"%s%s###\n" % (MARKER, text.encode("ascii"))])
    # Not counted: the pieces of two processes must not be taken for those of one record.
    return format_record_lines(MARKER, time.time_ns() // 1_000, text)


def write_job_line(content: Mapping[str, Any]) -> None:
    """Writes one record to the job's log, which this process's stdout leads to.

    Raises:
        ValueError: If a number is not finite.
    """
    for line in format_job_lines(content):
        write_line(_STDOUT, line)
