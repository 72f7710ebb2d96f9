"""Names of jobs, runs and their values. Texts only: nothing is looked up and nothing is started."""

from .autonamer import Autonamer
from .job_name import format_job_name
from .sweep_names import format_sweep_names

__all__ = [
    "Autonamer",
    "format_job_name",
    "format_sweep_names",
]
