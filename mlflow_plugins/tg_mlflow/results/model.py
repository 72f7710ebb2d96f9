"""Logs the models of a training: of one on a table, with metrics and the dataset, and those that it has logged."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Run
from mlflow.models import Model

from tg.common.delivery.sagemaker import ResultArchive
from tg.common.delivery.sagemaker.archive.names import LOGGED_MODEL, LOGGED_MODELS
from tg_mlflow.results.model_metrics import bind_metrics
from tg_mlflow.results.optional_parts import Attempt
from tg_mlflow.tracking.client import TrackingClient

MODEL_NAME = "model"
FOLD_NAME = "fold_{run}"

_MODEL = re.compile(r"runs/(\d+)/model\.pkl")
_LOGGED = re.compile(rf"{LOGGED_MODELS}/([^/]+)/{re.escape(LOGGED_MODEL)}")
_OTHERS = re.compile(r"model|fold_\d+")


class Save(Protocol):
    """Lays out a model, as :func:`tg_mlflow.results.model_files.save_model` does."""

    def __call__(self, folder: Path, description: Model, *, run: int) -> None:
        """Lays out the model of a run of the archive in a folder."""


def log_models(
    client: TrackingClient,
    run: Run,
    archive: ResultArchive,
    folder: Path,
    is_by_fold: bool,
    save: Save,
    attempt: Attempt,
) -> None:
    """Logs the model of the archive's first run as ``runs:/<run_id>/model``.

    By fold, if there are several, it logs those of all runs as ``runs:/<run_id>/fold_0`` and so on. Each has its
    metrics, and the dataset that they are of. Logging again completes what is not complete.

    Args:
        client: The tracking server's. Only it is used, as MLflow's fluent functions work with the thread's active run
            and current store.
        run: The run, as it is after its metrics and its dataset have been logged.
        archive: A training's on one table.
        folder: Where models are laid out before; it must not exist.
        is_by_fold: Whether each fold's model is logged.
        save: Lays out a model.
        attempt: Opened around each model, and around its metrics.
    """
    runs = sorted(int(found[1]) for name in archive.list() if (found := _MODEL.fullmatch(name)))
    is_by_fold = is_by_fold and len(runs) > 1
    folder.mkdir()
    for number in runs if is_by_fold else runs[:1]:
        name = FOLD_NAME.format(run=number) if is_by_fold else MODEL_NAME
        with attempt(name):
            model = _log_model(client, run, name, folder / name, partial(save, folder / name, run=number), number)
            with attempt(f"{name}/metrics"):
                bind_metrics(client, run, model, archive, number, is_of_fold=is_by_fold)


def log_logged_models(
    client: TrackingClient,
    run: Run,
    archive: ResultArchive,
    folder: Path,
    has_others: bool,
    save: Callable[[Path, Model], None],
    attempt: Attempt,
) -> None:
    """Logs each model that a training's own code has logged, as ``runs:/<run_id>/<name>``.

    Args:
        client: The tracking server's.
        run: The run.
        archive: The training's.
        folder: Where models are laid out before; it must not exist.
        has_others: Whether :func:`log_models` logs others, whose names these cannot have.
        save: Lays out a model, as :func:`tg_mlflow.results.model_files.save_logged_model` does.
        attempt: Opened around each model.
    """
    names = [found[1] for name in archive.list() if (found := _LOGGED.fullmatch(name))]
    for number, name in enumerate(names):
        target = folder / str(number) / MODEL_NAME
        with attempt(name):
            if has_others and _OTHERS.fullmatch(name):
                raise ValueError("the run's other model has this name; give environment.log_model another one")
            target.parent.mkdir(parents=True)
            _log_model(client, run, name, target, partial(save, target), step=0)


def _log_model(
    client: TrackingClient, run: Run, name: str, folder: Path, save: Callable[[Model], None], step: int
) -> LoggedModel:
    """Logs a model, unless that has been done.

    What an interrupted launcher has left of it is completed if possible, and deleted otherwise.

    Args:
        client: The tracking server's.
        run: The run.
        name: The model's name.
        folder: Where it is laid out.
        save: Lays it out there.
        step: The step at which it is an output of the run.
    """
    for output in run.outputs.model_outputs if run.outputs is not None else []:
        if (known := client.get_logged_model(output.model_id)).name == name:
            return known
    logged = _find_whole(client, run, name) or _upload(client, run, name, folder, save)
    # Last, so that a run with a model has a complete one.
    client.log_outputs(run.info.run_id, [LoggedModelOutput(logged.model_id, step)])
    return logged


def _find_whole(client: TrackingClient, run: Run, name: str) -> LoggedModel | None:
    """Finds a model that was uploaded but is not yet the run's; incomplete ones are deleted."""
    whole = None
    for left in client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"):
        if left.name == name and left.status == LoggedModelStatus.READY:
            whole = left
        elif left.name == name:
            client.delete_logged_model(left.model_id)
    return whole


def _upload(client: TrackingClient, run: Run, name: str, folder: Path, save: Callable[[Model], None]) -> LoggedModel:
    run_id, params = run.info.run_id, dict(run.data.params)
    logged = client.create_logged_model(run.info.experiment_id, name, run_id, params=params)
    try:
        # The server decides where artifacts are; it may be a path of this machine.
        description = Model(name, run_id, model_uuid=logged.model_id, model_id=logged.model_id)
        save(description)
        client.log_model_artifacts(logged.model_id, str(folder))
    except BaseException:
        client.without_patience().finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    return client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
