"""Walks jobs through SageMaker's statuses, each in a thread of a pool."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from tests.aws_emulator.faults import Faults
from tests.aws_emulator.training import JobFailure, Outcome, Training
from tests.aws_emulator.training_job import TrainingJob
from tg.common.delivery.sagemaker.aws.clock import Clock

# Status, secondary status, message, and the reason if it has failed, as TrainingJob.finish takes them.
Ending: TypeAlias = tuple[str, str, str, str | None]

_STOPPED: Ending = ("Stopped", "Stopped", "Training job stopped", None)
_WAITED_TOO_LONG: Ending = (
    "Stopped",
    "MaxWaitTimeExceeded",
    "Resource limits exceeded: Training job wait time exceeded MaxWaitTimeInSeconds provided",
    None,
)
_LOGGER = logging.getLogger(__name__)
_DEFAULT_MAX_RUNTIME_SECONDS = 86400
_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


class JobRunner:
    """Runs jobs; those for which there is no thread yet stay in ``Starting``.

    Args:
        make_training: Makes what a job does.
        faults: Asked when a job starts.
        threads: How many jobs run at the same time.
        clock: What the end of the longest time is told by.
    """

    def __init__(
        self, make_training: Callable[[TrainingJob], Training], faults: Faults, threads: int, clock: Clock
    ) -> None:
        self.errors: list[Exception] = []
        self._make_training = make_training
        self._faults = faults
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="training-job")

    def submit(self, job: TrainingJob) -> None:
        self._pool.submit(self._run, job)

    def close(self) -> None:
        """Waits for all threads; every job must have ended or been abandoned."""
        self._faults.release_starts()
        self._faults.release_ends()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: TrainingJob) -> None:
        ending = self._find_ending(job)
        if ending is not None:
            job.finish(*ending)

    def _find_ending(self, job: TrainingJob) -> Ending | None:
        """Runs a job; when it is said how it has ended, nothing of it is left."""
        training = self._make_training(job)
        try:
            try:
                return self._walk(job, training)
            finally:
                training.discard()
        except JobFailure as failure:
            return "Failed", "Failed", "Training job failed", str(failure)
        except Exception as error:  # the emulator's own mistake: a test must see it
            _LOGGER.exception("job %r came to an end that SageMaker does not have", job.name)
            self.errors.append(error)
            reason = "InternalServerError: We encountered an internal error. Please try again."
            return "Failed", "Failed", "Training job failed", reason

    def _walk(self, job: TrainingJob, training: Training) -> Ending | None:
        """Takes a job from its start to its end; an abandoned one has none."""
        if not self._start(job):
            return _find_early_ending(job)
        limit = job.request["StoppingCondition"].get("MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME_SECONDS)
        deadline = self._clock.monotonic() + limit
        while True:
            outcome = self._train(job, training, deadline)
            if job.is_abandoned:
                return None
            if outcome.cause != "interrupted":
                break
            job.advance("Interrupted", "Training job interrupted: the spot instances were reclaimed")
            if not self._wait_for_machines(job):
                return _find_early_ending(job)
            job.advance("Starting", "Starting the training job")
        return self._upload(job, training, outcome)

    def _start(self, job: TrainingJob) -> bool:
        """Lets the start take its time; says whether the job still wants to train."""
        job.wait_until(lambda: job.is_stop_requested, self._faults.start_seconds)
        if not self._wait_for_machines(job):
            return False
        if job.request["ResourceConfig"]["InstanceType"] in self._faults.capacity_errors:
            raise JobFailure(_CAPACITY)
        job.advance("Pending", "Preparing the instances for training")
        job.begin_training()
        return True

    def _wait_for_machines(self, job: TrainingJob) -> bool:
        """Says whether there are machines, and the job still wants them."""
        stopping = job.request["StoppingCondition"]
        last = job.created + stopping["MaxWaitTimeInSeconds"] if job.is_spot else float("inf")
        while not self._faults.may_start.is_set() and not job.is_stop_requested and not job.is_abandoned:
            if self._clock.time() >= last:
                return False
            job.wait_until(lambda: job.is_stop_requested, 0.1)
        return not job.is_stop_requested and not job.is_abandoned

    def _train(self, job: TrainingJob, training: Training, deadline: float) -> Outcome:
        stages = (
            ("Downloading", "Downloading input data", training.download_data),
            ("Downloading", "Downloading the training image", training.pull_image),
        )
        for secondary_status, message, work in stages:
            if job.is_stop_requested:
                return Outcome("stopped")
            job.advance(secondary_status, message)
            work()
        with job.changed:
            job.is_interrupted = False
            if job.is_stop_requested:
                return Outcome("stopped")
            job.advance("Training", "Training image download completed. Training in progress.")
        return training.train(deadline)

    def _upload(self, job: TrainingJob, training: Training, outcome: Outcome) -> Ending:
        failed = outcome.cause == "exited" and outcome.exit_code != 0 and not job.is_stop_requested
        job.advance("Uploading", "Uploading generated training model")
        while not self._faults.may_end.is_set() and not job.is_stop_requested and not job.is_abandoned:
            job.wait_until(lambda: job.is_stop_requested, 0.1)
        training.upload(with_model=not failed)
        if failed and outcome.is_out_of_memory:
            raise JobFailure(
                "OutOfMemoryError: Please use an instance type with more memory, or reduce the size of job data "
                f"processed on an instance, exit code: {outcome.exit_code}"
            )
        if failed:
            raise JobFailure(f"AlgorithmError: {outcome.failure[:1024]}, exit code: {outcome.exit_code}")
        if outcome.cause == "runtime_exceeded":
            message = "Resource limits exceeded: Training job runtime exceeded MaxRuntimeInSeconds provided"
            return "Stopped", "MaxRuntimeExceeded", message, None
        if job.is_stop_requested:
            return _STOPPED
        return "Completed", "Completed", "Training job completed", None


def _find_early_ending(job: TrainingJob) -> Ending | None:
    """How a job has ended that got no machines."""
    if job.is_abandoned:
        return None
    return _STOPPED if job.is_stop_requested else _WAITED_TOO_LONG
