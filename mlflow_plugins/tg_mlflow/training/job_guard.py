"""Stops a job and removes what is kept of it when its recording is given up."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import JobStatus
from tg.common.errors import JobMissingError, JobUnreachableError
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.errors import describe_failure
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.stop_reasons import describe_stop
from tg_mlflow.training.job import Job, is_still_needed
from tg_mlflow.training.job_notes import note_exit, note_facts, note_not_uploaded

_logger = logging.getLogger("mlflow.tg_mlflow")

# The first interrupt ends the training, the second one its grace period, the third one all waiting.
_MOST_INTERRUPTS = 3


@dataclass(frozen=True)
class JobGuard:
    """Stops a job if anything is raised while it is watched.

    Attributes:
        client: The tracking server's.
        job: The job.
        recorder: Takes its output.
        afterwards: What is done when the run has ended.
    """

    client: TrackingClient
    job: Job
    recorder: RunRecorder
    afterwards: ExitStack

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stops the job if anything is raised, and removes what is kept of it when the run has ended.

        A job that cannot be followed any more is not stopped: it goes on, and its run stays as it is. What is still
        needed, as after an interrupt that came after the job's success, is kept.

        Raises:
            JobUnreachableError: If the job should be stopped and cannot be reached, in place of what was raised.
        """
        job_id, run_id = self.job.job_id, self.job.run_id
        try:
            yield
        except JobUnreachableError:
            _logger.error("Job %s goes on; to record the rest later, run `tg-mlflow attach %s`", job_id, run_id)
            raise
        except BaseException as error:
            try:
                if self.job.executor.has_submitted(job_id):
                    self._give_up(error)
            except JobMissingError:
                pass  # there is nothing to be stopped
            except (DeliveryError, OSError) as problem:
                raise JobUnreachableError(
                    f"job {job_id} may go on, as it could not be stopped ({describe_failure(problem)}); when it can be "
                    f"reached, run `tg-mlflow cancel {run_id}`"
                ) from error
            raise

    def _give_up(self, error: BaseException) -> None:
        begun_ms = time.time_ns() // 1_000_000
        status = self._stop()
        if status in (JobStatus.STOPPED, JobStatus.RUNNING):  # it is stopped first: a server may take its time
            note_event(self.client, self.job.run_id, "stopping", describe_stop(error), begun_ms)
        with uninterrupted(), suppress(JobMissingError):  # the output since then, unless the job was removed
            for event in self.job.logs(self.recorder.job_position, follow=False):
                self.recorder.take(event)
            note_exit(self.client.without_patience(), self.job.run_id, self.job.executor.status(self.job.job_id))
        if not is_still_needed(status, False, error):
            note_facts(self.client, self.job)
            self.afterwards.callback(self.job.discard)
        elif isinstance(error, KeyboardInterrupt):
            self._keep()

    def _stop(self) -> JobStatus:
        """Stops the job, however often that is interrupted; an interrupt cuts the job's grace period short."""
        executor, job_id = self.job.executor, self.job.job_id
        end = executor.cancel
        for _ in range(_MOST_INTERRUPTS):
            try:
                if not self.job.status.is_final:
                    _logger.info("Stopping job %s; press Ctrl-C again not to wait for it", job_id)
                    end(job_id)
                return self.job.status
            except KeyboardInterrupt:
                end = executor.kill
        _logger.warning("Job %s may still be stopping; see for yourself that it ends", job_id)
        return JobStatus.RUNNING

    def _keep(self) -> None:
        """Brings the results here, unless that is interrupted, too, and says how they get into the run."""
        try:
            self.job.executor.collect(self.job.job_id)
        except KeyboardInterrupt:
            _logger.warning("The results of job %s stay where it has run", self.job.job_id)
        with uninterrupted():
            note_not_uploaded(self.client, self.job.run_id, "it was interrupted")
