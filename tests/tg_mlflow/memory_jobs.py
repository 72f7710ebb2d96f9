"""Jobs in memory, and runs that record them, for tests of what looks after jobs."""

import math
from collections.abc import Sequence
from typing import Any, cast

from tests.memory_server import MemoryClient
from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.delivery.sagemaker.executor import JobRequest
from tg_mlflow.testing.memory_executor import Line, Machine, MemoryExecutor, MemoryOptions, Script
from tg_mlflow.training.job import Job


def make_executor(lines: Sequence[Line] = (), seconds: float = math.inf, **script: Any) -> MemoryExecutor:
    """Makes an executor whose jobs say these lines."""
    return MemoryExecutor(Machine(lambda request: Script(lines, seconds, **script)), MemoryOptions())


def start_job(client: MemoryClient, executor: MemoryExecutor, job_id: str = "job", **tags: str) -> Job:
    """Starts a job, and creates the run that records it."""
    run_id = client.create_run("7", tags=tags).info.run_id
    executor.submit(JobRequest(job_id, cast(SagemakerConfig, None)))
    return Job(run_id, executor, job_id)
