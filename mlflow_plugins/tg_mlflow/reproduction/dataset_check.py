"""Checks that a run is trained again on the data that it was trained on: its dataset, and what was in its channels."""

import logging

from mlflow.entities import Dataset

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import Executor, SagemakerOptions
from tg.common.delivery.sagemaker.executor.stored_dataset import StoredDataset
from tg.common.errors import DatasetError
from tg_mlflow.errors import RunNotOursError, describe_failure
from tg_mlflow.reproduction.recorded_training import RecordedTraining
from tg_mlflow.results.dataset_file import digest_files
from tg_mlflow.takeover.run_job import find_job
from tg_mlflow.tracking.training_data import is_by_metadata

_logger = logging.getLogger("mlflow.tg_mlflow")

_DATASET = "the dataset"
_ADVICE = "bring the same data, or train on these with --changed-data"


def check_dataset(
    recorded: RecordedTraining, options: SagemakerOptions, executor: Executor, allows_changed: bool
) -> None:
    """Checks the data on which a run is to be trained again, and brings the dataset to where the job reads it.

    A warning says where that cannot be checked.

    Args:
        recorded: The run.
        options: The dataset and the channels.
        executor: What trains it again.
        allows_changed: Whether they may be other ones.

    Raises:
        DatasetError: If they have changed, are not here where they have to be, or another dataset is where the job
            reads it.
        DeliveryError: If the dataset cannot be uploaded.
    """
    _check_channels(recorded, options, allows_changed)
    if options.dataset is None:
        return
    path = options.local_dataset_path if executor.traits.needs_local_dataset else options.find_local_dataset()
    known = recorded.dataset
    if known is None:
        _warn(recorded, _DATASET, "it had ended before that was recorded")
    elif path is not None and is_by_metadata(known):
        _warn(recorded, _DATASET, "it was read in S3, whose metadata say nothing of files on this machine")
    elif path is not None:
        _compare(known, digest_files(path), f"dataset {str(path)!r}", allows_changed)
    else:
        _check_stored(recorded, known, allows_changed)
    if path is not None:
        executor.upload_dataset(options, replaces=False)


def _check_channels(recorded: RecordedTraining, options: SagemakerOptions, allows_changed: bool) -> None:
    local = options.local_channels
    for name in options.channels:
        what = f"the content of channel {name}"
        if name not in local:
            _warn(recorded, what, "it is in S3")
        elif name not in recorded.channels:
            _warn(recorded, what, "the run has not recorded it")
        else:
            where = f"{what}, {str(local[name])!r},"
            _compare(recorded.channels[name], digest_files(local[name]), where, allows_changed)


def _check_stored(recorded: RecordedTraining, known: Dataset, allows_changed: bool) -> None:
    """Checks a dataset that is only where the job reads it."""
    stored = _find_stored(recorded)
    if stored is None or stored.digest is None or not is_by_metadata(known):
        _warn(recorded, _DATASET, "it is not on this machine")
    else:
        _compare(known, stored.digest, f"dataset {stored.uri!r}", allows_changed)


def _find_stored(recorded: RecordedTraining) -> StoredDataset | None:
    try:
        job = find_job(recorded.run)
        return job.executor.find_dataset(job.job_id)
    except (DeliveryError, RunNotOursError) as error:
        _logger.warning(
            "The dataset of run %s is not to be found: %s", recorded.run.info.run_id, describe_failure(error)
        )
        return None


def _compare(known: Dataset, digest: str, what: str, allows_changed: bool) -> None:
    if digest == known.digest:
        return
    change = f"{what} has changed: its digest is {digest}, and the run was trained on {known.digest}"
    if not allows_changed:
        raise DatasetError(f"{change}; {_ADVICE}")
    _logger.warning("The %s", change)


def _warn(recorded: RecordedTraining, what: str, reason: str) -> None:
    run_id = recorded.run.info.run_id
    _logger.warning("Whether %s is that of run %s cannot be checked: %s", what, run_id, reason)
