"""Brings the checkpoints of an earlier run to a training that goes on from them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlflow.entities import Run

from tg.common import DeliveryError
from tg.common.delivery.sagemaker import Executor, SagemakerConfig
from tg.common.delivery.sagemaker.job_files.kept_checkpoints import measure_files
from tg.common.delivery.sagemaker.runtime.job_checkpoints import RUN_NOTE
from tg.common.ml.training_core.checkpoint_folder import FOLDER_NAME, CheckpointFolder
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import BackendConfigError, RunNotOursError, describe_failure
from tg_mlflow.places.registry import find_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.events import note_event
from tg_mlflow.tracking.launcher import describe_last_launcher
from tg_mlflow.tracking.search import is_running, read_run
from tg_mlflow.tracking.state import read_state
from tg_mlflow.tracking.tags import CHECKPOINTS_TAG, JOB_ID_TAG, PLACE_TAG, RESUMED_FROM_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")


class Resumption:
    """The checkpoints that a training goes on from.

    Args:
        resumed: The run that they are of.
        address: Where they are.
        folder: A folder with them, which is only read.
    """

    def __init__(self, resumed: str, address: str, folder: Path) -> None:
        self._resumed = resumed
        self._address = address
        self._folder = folder

    def apply(self, delivery: SagemakerConfig) -> SagemakerConfig:
        """Lets the job of a delivery begin with the checkpoints, unless it finds them where they are."""
        given, remote = delivery.options.checkpoints, delivery.options.remote.checkpoints
        own = str(given.resolve()) if isinstance(given, Path) else str(remote).rstrip("/")
        if own == self._address.rstrip("/"):
            return delivery
        return replace(delivery, options=replace(delivery.options, start_checkpoints=self._folder))


def check_resumable(run: Run) -> None:
    """Checks before there is a new run that a training can go on from a run, as far as its tags and its place tell.

    Raises:
        RunNotOursError: If it has not ended, or keeps no checkpoints.
    """
    _find_address(run, _open_executor(run))


@contextmanager
def opening_resumption(
    client: TrackingClient, run_id: str, resume_from: str | None, executor: Executor
) -> Iterator[Resumption | None]:
    """Fetches the checkpoints that a training is to go on from, for as long as the context is open.

    Args:
        client: The tracking server's.
        run_id: The run of the training, which is told.
        resume_from: The run that it goes on from; ``None`` if it begins anew.
        executor: The executor of the training.

    Raises:
        BackendConfigError: If jobs of this place cannot go on from others.
        RunNotOursError: If there is no such run, it has not ended, or keeps no checkpoints.
        DeliveryError: If they cannot be fetched.
    """
    if resume_from is None:
        yield None
        return
    if not executor.traits.takes_checkpoints:
        raise BackendConfigError(
            f"resume_from is {resume_from!r}, and jobs of this place cannot begin with checkpoints of others; resume "
            "at another one"
        )
    run = read_run(client, resume_from)
    client.set_tag(run_id, RESUMED_FROM_TAG, resume_from)
    before = _open_executor(run)
    address = _find_address(run, before)
    with _opening_folder(run, address, before) as folder:
        _check_owner(client, run, address, folder)
        size = measure_files(folder)
        if not size:
            raise RunNotOursError(_describe_missing(run, address, "there are no files"))
        _logger.info("Run %s goes on from the checkpoints of run %s: %s, %d bytes", run_id, resume_from, address, size)
        note_event(client, run_id, "checkpoints fetched", f"of run {resume_from}, {size:,} bytes", is_urgent=False)
        yield Resumption(resume_from, address, folder)


def _check_owner(client: TrackingClient, run: Run, address: str, folder: Path) -> None:
    """Refuses checkpoints of a run that has used the same address since: they are of another history."""
    owner = CheckpointFolder(folder / FOLDER_NAME).read_latest_notes().get(RUN_NOTE)
    known, earlier = list[str](), run
    while owner is not None and owner != earlier.info.run_id:
        known.append(earlier.info.run_id)
        before = earlier.data.tags.get(RESUMED_FROM_TAG)
        if before is None or before in known:
            raise RunNotOursError(
                f"the last checkpoint in {address!r} is one of run {owner!r}, which has used it since, and none of run "
                f"{run.info.run_id!r}; go on from that one: `tg-mlflow resume {owner}`"
            )
        if before == owner:
            return  # it has saved none itself, also if that run is deleted
        earlier = read_run(client, before)


@contextmanager
def _opening_folder(run: Run, address: str, executor: Executor) -> Iterator[Path]:
    """Yields a folder with the checkpoints: a temporary one only if they are elsewhere, as states may be large."""
    if Path(address).is_dir():
        yield Path(address)
        return
    with temporary_folder() as folder:
        try:
            executor.fetch_checkpoints(address, folder)
        except DeliveryError as error:
            raise RunNotOursError(_describe_missing(run, address, describe_failure(error))) from error
        yield folder


def _open_executor(run: Run) -> Executor:
    run_id, tags = run.info.run_id, run.data.tags
    if PLACE_TAG not in tags or JOB_ID_TAG not in tags:
        raise RunNotOursError(f"run {run_id!r} has no job whose checkpoints a training could go on from")
    if is_running(run):
        raise RunNotOursError(
            f"run {run_id!r} is {run.info.status}; wait until it has ended, stop it with `tg-mlflow cancel {run_id}`, "
            f"or, if its launcher is gone, record its end with `tg-mlflow attach {run_id}`"
        )
    place = find_place(tags[PLACE_TAG])
    return place.open(place.read_options(read_state(run).place_options))


def _find_address(run: Run, executor: Executor) -> str:
    try:
        found = executor.find_checkpoints(run.data.tags[JOB_ID_TAG])
    except DeliveryError as error:
        _logger.debug("The job of run %s does not say where its checkpoints are: %s", run.info.run_id, error)
        found = None
    address = found or run.data.tags.get(CHECKPOINTS_TAG)
    if address is None:
        if run.info.status == "FINISHED":
            reason = "it has completed, and then they are kept only with the key checkpoints"
        else:
            reason = "its training has saved none, or they were pruned, or its job was on another machine"
        raise RunNotOursError(f"run {run.info.run_id!r} has left no checkpoints here: {reason}")
    return address


def _describe_missing(run: Run, address: str, reason: str) -> str:
    _, host = describe_last_launcher(run.data.tags)
    return (
        f"the checkpoints of run {run.info.run_id!r} cannot be fetched from {address!r} ({reason}); bring them back, "
        f"or resume the run on the machine {host!r}, where it was recorded"
    )
