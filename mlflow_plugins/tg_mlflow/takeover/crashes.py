"""Settles trainings whose process has crashed with them, when the next command comes by."""

import logging
from contextlib import suppress

from tg.common import JobFailedError, TgError
from tg_mlflow.errors import RunNotOursError, describe_failure
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import read_settled_run
from tg_mlflow.tracking.launcher_file import Crash, find_crashes, forget_crash
from tg_mlflow.tracking.search import is_running

_logger = logging.getLogger("mlflow.tg_mlflow")


def settle_crashes(client: TrackingClient, besides: str | None = None) -> None:
    """Records what is left of trainings that ran in a launcher's own process, and ends their runs.

    Jobs of other places go on without their launcher, and are left to ``tg-mlflow attach``. The tracking server is only
    asked if there was a crash; what it does not take is left for the next time.

    Args:
        client: The tracking server's.
        besides: A run that is left alone.
    """
    for crash in find_crashes(client.tracking_uri):
        if crash.is_in_process and crash.run_id != besides:
            try:
                _settle(client.without_patience(), crash)
            except TgError as error:
                _logger.warning(
                    "Process %d left run %s, which is not settled yet: %s",
                    crash.pid,
                    crash.run_id,
                    describe_failure(error),
                )


def _settle(client: TrackingClient, crash: Crash) -> None:
    # Here, as each command looks for crashes, and hardly ever finds one.
    from tg_mlflow.takeover.left_job import find_left_job
    from tg_mlflow.takeover.rest import record_rest
    from tg_mlflow.takeover.status import mask_run_secrets

    try:
        run, launcher = read_settled_run(client, crash.run_id)
    except RunNotOursError:
        forget_crash(crash.run_id)  # it is deleted, which is no news; its job can be removed with `tg-mlflow cancel`
        raise
    if launcher is not None:
        return
    if is_running(run):
        if (left := find_left_job(client, run, is_here=True)) is not None:
            with suppress(JobFailedError):  # the run says so
                record_rest(mask_run_secrets(client, run), left, show=lambda event: None)
        status = client.get_run(crash.run_id).info.status
        _logger.warning("Process %d ended in the middle of run %s, which is %s now", crash.pid, crash.run_id, status)
    forget_crash(crash.run_id)
