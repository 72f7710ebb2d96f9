"""Sees to it that no job is left running, and nothing of it left lying about, when its recording is given up."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from mlflow import MlflowClient

from tg.common import DeliveryError
from tg.common.delivery.delivery import uninterrupted
from tg.common.delivery.delivery.image.docker_client import ObjectMissingError
from tg.common.delivery.sagemaker import JobStatus, SagemakerExecutor
from tg.common.errors import JobUnreachableError
from tg_mlflow.recording.recorder import RunRecorder
from tg_mlflow.training.job_notes import note_facts
from tg_mlflow.training.job_watch import note_not_uploaded

_logger = logging.getLogger("mlflow.tg_mlflow")

# The first one ends the training, the second one its grace; whoever goes on does not want to wait for anything.
_MOST_INTERRUPTS = 3


@dataclass(frozen=True)
class JobGuard:
    """Stops a run's job if anything is raised while it is watched.

    Attributes:
        client: The tracking server's.
        run_id: The run.
        executor: Where the job runs.
        job_id: The job.
        recorder: Takes its output.
        start: Where its output begins in what the recorder takes.
        afterwards: What is done when the run has ended.
    """

    client: MlflowClient
    run_id: str
    executor: SagemakerExecutor
    job_id: str
    recorder: RunRecorder
    start: int
    afterwards: ExitStack

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stops the job if anything is raised, and lets it be forgotten, unless an interrupt came after its success.

        A job that cannot be followed any more is not stopped: it goes on, and its run stays as it is.

        Raises:
            JobUnreachableError: If the job should be stopped and cannot be reached, in place of what was raised.
        """
        try:
            yield
        except JobUnreachableError:
            again = f"to record the rest later, run `tg-mlflow attach {self.run_id}`"
            _logger.error("Job %s goes on; %s", self.job_id, again)
            raise
        except BaseException as error:
            try:
                if self.executor.has_submitted(self.job_id):
                    self._give_up(is_interrupt=isinstance(error, KeyboardInterrupt))
            except JobUnreachableError as problem:
                raise JobUnreachableError(
                    f"job {self.job_id} may go on, as it could not be stopped ({problem}); when it can be reached, run "
                    f"`tg-mlflow cancel {self.run_id}`"
                ) from error
            except DeliveryError as problem:
                _logger.warning("Job %s could not be stopped; see that it ends: %s", self.job_id, problem)
            raise

    def _give_up(self, is_interrupt: bool) -> None:
        status = self._stop()
        with uninterrupted(), suppress(ObjectMissingError):  # what it has said meanwhile, unless it was removed
            for event in self.executor.logs(self.job_id, self.recorder.position - self.start, follow=False):
                self.recorder.take(event)
        if status is JobStatus.COMPLETED and is_interrupt:
            self._keep()
        else:
            note_facts(self.client, self.run_id, self.executor, self.job_id)
            self.afterwards.callback(self.executor.discard, self.job_id)

    def _stop(self) -> JobStatus:
        """Stops the job, however often that is interrupted: an interrupt takes from it what time it has to stop."""
        end = self.executor.cancel
        for _ in range(_MOST_INTERRUPTS):
            try:
                if not self.executor.status(self.job_id).status.is_final:
                    _logger.info("Stopping job %s; press Ctrl-C again not to wait for it", self.job_id)
                    end(self.job_id)
                return self.executor.status(self.job_id).status
            except KeyboardInterrupt:
                end = self.executor.kill
        _logger.warning("Job %s may still be stopping; see for yourself that it ends", self.job_id)
        return JobStatus.RUNNING

    def _keep(self) -> None:
        """Brings the results here, where this is not cut short too, and says how they get into the run."""
        try:
            self.executor.collect(self.job_id)
        except KeyboardInterrupt:
            _logger.warning("The results of job %s stay where it has run", self.job_id)
        with uninterrupted():
            note_not_uploaded(self.client, self.run_id, "it was interrupted")
