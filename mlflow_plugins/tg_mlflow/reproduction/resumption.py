"""Goes on with the training of a run that has ended early, from its last checkpoint, at any place."""

import logging

from tg.common.system.interrupts import terminating_as_interrupt
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.delivery.resumption import check_resumable
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.reproduction.planned_training import WantedTraining, plan_training
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import RESUMED_FROM_TAG
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_again
from tg_mlflow.training.end import TrainingEnd
from tg_mlflow.training.training import train_recorded

_logger = logging.getLogger("mlflow.tg_mlflow")

_SUFFIX = " resumed"
# What was for the run's own job alone.
_NOT_AGAIN = ("detach", "dry_run", "job_name", "resume_from")
# What may name something at the run's place that another one does not have.
_OF_PLACE = ("checkpoints",)


def resume(client: TrackingClient, wanted: WantedTraining) -> tuple[str, TrainingEnd]:
    """Trains a run's package in a new run, whose job begins with the checkpoints of the old one.

    Args:
        client: The tracking server's.
        wanted: How it is trained.

    Returns:
        The new run, and how it has ended.

    Raises:
        RunNotOursError: If the run does not have what it takes.
        TgError: If the configuration, the dataset or the package does not fit.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the new run has been KILLED.
    """
    if wanted.config.get("dry_run"):
        raise BackendConfigError("dry_run does not go with a run that is resumed; leave it out")
    moves = () if wanted.place is None else _OF_PLACE
    with temporary_folder() as folder:
        added = {"resume_from": wanted.run_id}
        planned = plan_training(client, wanted, folder, (*_NOT_AGAIN, *moves), added)
        run, client = planned.recorded.run, planned.client
        check_resumable(run)
        with terminating_as_interrupt():
            experiment_id = wanted.experiment_id or run.info.experiment_id
            name = wanted.run_name or f"{run.info.run_name.removesuffix(_SUFFIX)}{_SUFFIX}"
            run_id = create_again(client, run, RESUMED_FROM_TAG, experiment_id, planned.place.name, name)
            with announcing_interrupt(client, run_id):
                end = train_recorded(client, run_id, planned.params, planned.training)
            announce_end(client, run_id, end)
    return run_id, end
