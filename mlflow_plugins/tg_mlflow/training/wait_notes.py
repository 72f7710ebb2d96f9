"""Notes in a run what its launcher waits for, such as a quota, for whoever asks for its status."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlflow.entities import RunStatus

from tg.common.system.waits import telling_waits
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.tags import WAITING_TAG
from tg_mlflow.training.job_notes import set_status

_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass
class WaitNotes:
    """What a launcher waits for; see :func:`noting_waits`.

    Attributes:
        client: The tracking server's, which is asked once.
        run_id: The run.
        has_job: Whether the job is there: what is waited for before that keeps the training from its start.
        is_scheduled: Whether the run is SCHEDULED.
    """

    client: TrackingClient
    run_id: str
    has_job: bool = True
    is_scheduled: bool = False

    def schedule(self) -> None:
        """Makes the run SCHEDULED."""
        if not self.is_scheduled:
            self.is_scheduled = set_status(self.client, self.run_id, RunStatus.SCHEDULED)

    def tell(self, what: str | None) -> None:
        """Notes what is waited for; ``None`` if nothing is."""
        if what is not None and not self.has_job:
            self.schedule()
        if what is not None:
            note_event(self.client, self.run_id, "waiting", what)
        try:
            if what is None:
                self.client.delete_tag(self.run_id, WAITING_TAG)
            else:
                self.client.set_tag(self.run_id, WAITING_TAG, what)
        except TrackingError as error:
            _logger.debug("The run %s is not told what it waits for: %s", self.run_id, error)


@contextmanager
def noting_waits(client: TrackingClient, run_id: str, has_job: bool = True) -> Iterator[WaitNotes]:
    """Notes what this thread waits for as the tag ``tg.waiting`` while the context is open.

    A server that does not take it is not waited for.

    Args:
        client: The tracking server's.
        run_id: The run.
        has_job: Whether there is a job already; otherwise, the run is SCHEDULED from its first wait on.
    """
    notes = WaitNotes(client.without_patience(), run_id, has_job)
    with telling_waits(notes.tell):
        yield notes
