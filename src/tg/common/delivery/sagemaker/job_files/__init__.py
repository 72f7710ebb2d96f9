"""The files that this machine keeps of a job, and the process that supervises one.

It knows the contract and naming. Executors use it; it knows none of them."""

from .job_folder import JobFolder, build_job_id
from .job_storage import jobs_path

__all__ = [
    "JobFolder",
    "build_job_id",
    "jobs_path",
]
