"""A training that is a Python function, for tests of many jobs."""

from collections.abc import Callable
from typing import Any

from tests.aws_emulator.log_feed import LogFeed
from tests.aws_emulator.training import Outcome
from tests.aws_emulator.training_job import TrainingJob
from tg.common.delivery.sagemaker.aws.clock import Clock

RunJob = Callable[[dict[str, Any], Callable[[str], None], Callable[[], bool]], int]
"""Gets the request, writes lines of the log, asks whether it must stop; returns the exit code."""


class FunctionTraining:
    """Runs a function in the job's own thread; it must ask soon and often whether to stop."""

    def __init__(self, job: TrainingJob, run_job: RunJob, feed: LogFeed, clock: Clock) -> None:
        self._clock = clock
        self._job = job
        self._run_job = run_job
        self._feed = feed

    def download_data(self) -> None:
        pass

    def pull_image(self) -> None:
        pass

    def train(self, deadline: float) -> Outcome:
        job = self._job
        stream = self._feed.name_stream(job.name, "algo-1")

        def write_line(line: str) -> None:
            time_ms = int(self._clock.time() * 1000)
            job.observe(line, time_ms)
            self._feed.write(stream, line, time_ms)

        def is_stopped() -> bool:
            is_late = self._clock.monotonic() >= deadline
            return job.is_stop_requested or job.is_interrupted or job.is_abandoned or is_late

        exit_code = self._run_job(job.request, write_line, is_stopped)
        if job.is_stop_requested or job.is_abandoned:
            return Outcome("stopped", exit_code)
        if job.is_interrupted:
            return Outcome("interrupted")
        return Outcome("runtime_exceeded" if self._clock.monotonic() >= deadline else "exited", exit_code)

    def upload(self, with_model: bool) -> None:
        pass

    def discard(self) -> None:
        pass
