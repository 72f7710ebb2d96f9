"""The files of a job that this machine keeps, and the process that it may be.

It knows the contract and names. Executors use it; it knows none of them."""

from .job_folder import JobFolder, build_job_id, jobs_path

__all__ = [
    "JobFolder",
    "build_job_id",
    "jobs_path",
]
