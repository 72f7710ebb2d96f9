"""Trains a run again from what it remembers, and compares both."""

import logging

from mlflow.entities import Run, RunStatus

from tg.common.system.interrupts import terminating_as_interrupt
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.comparison.run_record import read_record
from tg_mlflow.description.writing import write_description
from tg_mlflow.errors import BackendConfigError, RecordingError, TrackingError
from tg_mlflow.reproduction.planned_training import WantedTraining, plan_training
from tg_mlflow.reproduction.verdict import Verdict, judge
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import REPRODUCED_BY_TAG, REPRODUCES_TAG, VERDICT_TAG
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_again
from tg_mlflow.training.training import train_recorded

_logger = logging.getLogger("mlflow.tg_mlflow")

VERDICT_ARTIFACT = "reproduction.json"

_SUFFIX = " reproduced"
_WAITED_FOR = ("detach", "dry_run")
# What was for the run's own job alone: its name, what it goes on from, and where its model is registered.
_NOT_AGAIN = (*_WAITED_FOR, "job_name", "checkpoints", "resume_from", "register")


def reproduce(client: TrackingClient, wanted: WantedTraining) -> Verdict:
    """Trains a run's package again, in a new run, and writes the verdict into both.

    Args:
        client: The tracking server's.
        wanted: How it is trained.

    Returns:
        The verdict.

    Raises:
        RunNotOursError: If the run does not have what it takes.
        RecordingError: If the tracking server did not take what the training said.
        TgError: If the configuration, the dataset or the package does not fit.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the new run has been KILLED.
    """
    for name in _WAITED_FOR:
        if wanted.config.get(name):
            raise BackendConfigError(f"{name} does not go with a run that is compared when it has ended; leave it out")
    with temporary_folder() as folder:
        planned = plan_training(client, wanted, folder, _NOT_AGAIN, {})
        run, client = planned.recorded.run, planned.client
        with terminating_as_interrupt():
            experiment_id = wanted.experiment_id or run.info.experiment_id
            name = wanted.run_name or f"{run.info.run_name.removesuffix(_SUFFIX)}{_SUFFIX}"
            run_id = create_again(client, run, REPRODUCES_TAG, experiment_id, planned.place.name, name)
            _logger.info(
                "Run %s trains the package of run %s again, at %s", run_id, run.info.run_id, planned.place.name
            )
            with announcing_interrupt(client, run_id):
                end = train_recorded(client, run_id, planned.params, planned.training)
            announce_end(client, run_id, end)
    if end.failure is not None:
        _logger.error("%s", end.failure.partition("\n")[0])
    if end.status == RunStatus.to_string(RunStatus.RUNNING):
        raise RecordingError(
            f"run {run_id!r} is not complete; when `tg-mlflow attach {run_id}` has recorded it, compare it with "
            f"`tg-mlflow diff {run.info.run_id} {run_id}`"
        )
    return _write_verdict(client, run, run_id)


def _write_verdict(client: TrackingClient, run: Run, run_id: str) -> Verdict:
    with temporary_folder() as folder:
        verdict = judge(read_record(client, run.info.run_id, folder), read_record(client, run_id, folder))
    client.log_text(run_id, client.mask.mask(verdict.format_json()), VERDICT_ARTIFACT)
    client.set_tag(run_id, VERDICT_TAG, verdict.summary)
    try:
        client.set_tag(run.info.run_id, REPRODUCED_BY_TAG, f"{run_id}: {verdict.summary}")
    except TrackingError as error:  # it may be another's
        _logger.warning("Run %s is not told of the verdict: %s", run.info.run_id, error)
    for each in (run_id, run.info.run_id):
        write_description(client, each)  # with the verdict
    return verdict
