"""Names of jobs, runs and their values. Pure functions on strings: nothing is looked up or started."""

from .autonamer import Autonamer
from .job_name import format_job_name
from .sweep_names import format_sweep_names

__all__ = [
    "Autonamer",
    "format_job_name",
    "format_sweep_names",
]
