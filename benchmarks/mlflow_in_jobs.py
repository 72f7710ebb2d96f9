"""How much longer ``mlflow.log_metric`` takes in a job than with a local sqlite store.

All points must be in the job's log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Figure, Scale, run
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions, SagemakerProcessExecutor
from tg.common.delivery.sagemaker.contract.mlflow_lines import MARKER
from tg.common.delivery.sagemaker.contract.record_lines import RecordLineParser
from tg.common.ml.training_core import AbstractTrainingTask

ALLOWED_MICROSECONDS = 20
# With sqlite, a call takes milliseconds: fewer of them are enough.
SQLITE_SHARE = 20

LOOP = """
import time, mlflow
with mlflow.start_run():
    mlflow.log_metric("first", 0)
    start = time.perf_counter()
    for step in range({calls}):
        mlflow.log_metric("loss", step / 7, step=step)
    seconds = time.perf_counter() - start
print(f"us: {{seconds / {calls} * 1e6:.1f}}", flush=True)
"""


class Task(AbstractTrainingTask):
    """Runs the loop."""

    def __init__(self, loop: str) -> None:
        super().__init__()
        self.loop = loop

    def run_with_environment(self, data: Any, environment: Any) -> None:
        exec(self.loop, {})


def measure_job(calls: int, folder: Path) -> tuple[float, int, int]:
    """Returns the microseconds of a call in a job, how many points its log has, and how many bytes these take."""
    os.environ["TG_JOBS_PATH"] = str(folder / "jobs")
    job = SagemakerJob(Task(LOOP.format(calls=calls)))
    packaging = Packaging("Task", "0", {"job": job})
    options = SagemakerOptions(None, None, "benchmark", folder, None)
    executor = SagemakerProcessExecutor(
        SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)
    )
    job_id, parser, text, points, size = executor.submit(), RecordLineParser(MARKER), b"", 0, 0
    for event in executor.logs(job_id):
        rest, records = parser.feed(event.data)
        text += rest
        size += len(event.data)
        points += sum(len(record.content["metrics"]) for record in records if record.content["op"] == "batch")
    return read_time(text.decode()), points - 1, size


def measure_sqlite(calls: int, folder: Path) -> float:
    """Returns the microseconds of a call with a local sqlite store."""
    variables = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-c", LOOP.format(calls=calls)]
    return read_time(subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout)


def read_time(text: str) -> float:
    """Reads what the loop has printed."""
    return float(text.partition("us: ")[2].split()[0])


def measure(scale: Scale) -> Iterator[Figure]:
    calls = scale.pick(100_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        in_job, points, size = measure_job(calls, Path(name))
        with_sqlite = measure_sqlite(calls // SQLITE_SHARE, Path(name))
    if points != calls:
        sys.exit(f"the log of the job has {points:,} points, and {calls:,} were written")
    yield Figure(
        "mlflow_in_jobs.call",
        "`mlflow.log_metric` in a job: how much longer a call takes",
        in_job - with_sqlite,
        "µs",
        against="a local sqlite store",
        wanted=ALLOWED_MICROSECONDS,
        details=f"{in_job:,.0f} µs against {with_sqlite:,.0f} µs; {calls:,} calls in {size / 1e6:.1f} MB of log",
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
