"""The first line of a job, from which its run knows where it trains."""

import time
from collections.abc import Mapping
from typing import Any

from ..contract.job_lines import START, write_job_line
from .job_environment import describe_environment


def write_start_line(properties: Mapping[str, Any]) -> None:
    """Tells the launcher that a job's process starts, and where.

    Args:
        properties: The properties of the job's package.
    """
    requirements = properties.get("requirements", ())  # none in a package of an older version
    environment = describe_environment(requirements)
    write_job_line({"op": START, "time": time.time_ns() // 1_000_000, "environment": environment})
