"""Logs a trained model in MLflow's format, with the package that it needs, so that it loads anywhere."""

import copy
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
import pandas as pd
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Run
from mlflow.models import Model, ModelSignature

from tg.common.delivery.delivery.code.local_versions import find_index_options
from tg.common.delivery.sagemaker import ResultArchive
from tg.common.delivery.sagemaker.archive.safe_extraction import extract_archive
from tg.common.delivery.sagemaker.runtime.model_loader import METHODS
from tg_mlflow.errors import UnservableModelError
from tg_mlflow.results.members import MODEL, TRAINING_TASK
from tg_mlflow.results.model_check import CheckFailure, find_checker, write_rows
from tg_mlflow.results.model_example import PARAMS, build_example, build_signature, find_columns, read_sample
from tg_mlflow.results.optional_parts import Attempt
from tg_mlflow.tracking.client import TrackingClient

MODEL_NAME = "model"

_LOGGER = logging.getLogger("mlflow.tg_mlflow")
_SIGNATURE, _CHECK = f"{MODEL_NAME}/signature", f"{MODEL_NAME}/check"

_LOADER_MODULE = "common.delivery.sagemaker.runtime.model_loader"
_RUN = 0
# MLflow copies these from the working directory, which may belong to any project.
_FOREIGN_FILES = ("uv.lock", "pyproject.toml", ".python-version")


def log_model(
    client: TrackingClient,
    run_id: str,
    archive: ResultArchive,
    folder: Path,
    dataset: Path | None,
    attempt: Attempt,
    is_checked: bool = True,
) -> None:
    """Logs the model of the archive's first run as ``runs:/<run_id>/model``, unless that has been done.

    What an interrupted launcher has left of it is completed if possible, and deleted otherwise.

    Only the client is used, as MLflow's fluent functions work with the thread's active run and current store.

    Args:
        client: The tracking server's.
        run_id: The run.
        archive: A training's on one table.
        folder: Where the model is laid out before; it must not exist.
        dataset: What it was trained on; without it, the model has no signature and no example.
        attempt: Opened around the optional parts of the model, and around its check.
        is_checked: Whether it is checked, as :func:`save_model` says.

    Raises:
        Exception: Any exception of the archive, the package or the tracking server.
    """
    run = client.get_run(run_id)
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    if any(client.get_logged_model(each.model_id).name == MODEL_NAME for each in outputs):
        return

    def save(description: Model) -> None:
        save_model(archive, folder, description, dataset, attempt, is_checked)

    logged = _find_whole(client, run) or _upload(client, run, folder, save)
    # Last, so that a run with a model has a complete one.
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])


def _find_whole(client: TrackingClient, run: Run) -> LoggedModel | None:
    """Finds a model that was uploaded but is not yet the run's; incomplete ones are deleted."""
    whole = None
    for left in client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"):
        if left.name == MODEL_NAME and left.status == LoggedModelStatus.READY:
            whole = left
        elif left.name == MODEL_NAME:
            client.delete_logged_model(left.model_id)
    return whole


def _upload(client: TrackingClient, run: Run, folder: Path, save: Callable[[Model], None]) -> LoggedModel:
    run_id, params = run.info.run_id, dict(run.data.params)
    logged = client.create_logged_model(run.info.experiment_id, MODEL_NAME, run_id, params=params)
    try:
        # The server decides where artifacts are; it may be a path of this machine.
        description = Model(MODEL_NAME, run_id, model_uuid=logged.model_id, model_id=logged.model_id)
        save(description)
        client.log_model_artifacts(logged.model_id, str(folder))
    except BaseException:
        client.without_patience().finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    return client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)


def save_model(
    archive: ResultArchive,
    folder: Path,
    description: Model,
    dataset: Path | None,
    attempt: Attempt,
    is_checked: bool = True,
) -> None:
    """Lays out a model in MLflow's format: the archive's pickle, with the package's module beside it.

    Args:
        archive: A training's on one table.
        folder: Where to; it must not exist.
        description: The content of the file ``MLmodel``.
        dataset: What it was trained on.
        attempt: Opened around the signature and the example, and around the check.
        is_checked: Whether the model is loaded in a clean process, where it must predict as the trained one does. A
            signature with which it does not is left out, except its parameter, without which MLflow would return labels
            in place of probabilities.
    """
    properties = json.loads(archive.get_path("package.json").read_text(encoding="utf-8"))
    package = folder.with_name(f"{folder.name}-package")
    extract_archive(archive.get_path("package.tag.gz"), package)
    (module,) = package.glob(f"*/{properties['module_name']}")
    requirements = properties["requirements"]

    def save(**described: Any) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with warnings.catch_warnings():
            # MLflow wants an example with each signature; a model that accepts any columns has none.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            mlflow.pyfunc.save_model(
                folder,
                loader_module=f"{properties['tg_import_path']}.{_LOADER_MODULE}",
                data_path=str(archive.get_path(MODEL.format(run=_RUN))),
                code_paths=[str(module)],
                mlflow_model=copy.deepcopy(description),
                # Explicit, as MLflow would otherwise start a process and load the model to find its imports.
                pip_requirements=[*find_index_options(requirements), *requirements, f"mlflow=={mlflow.__version__}"],
                **described,
            )
        for name in _FOREIGN_FILES:
            (folder / name).unlink(missing_ok=True)

    described: dict[str, Any] = {}
    rows = None
    if dataset is not None:
        with attempt(_SIGNATURE):
            model = archive.unpickle(MODEL.format(run=_RUN))
            sample = read_sample(archive.unpickle(TRAINING_TASK.format(run=_RUN)), dataset)
            answers = _ask(model, sample.features)
            rows = write_rows(folder.with_name(f"{folder.name}-rows"), sample.given, answers)
            signature = build_signature(find_columns(model, sample.features), sample, answers["predict"])
            signed = {"signature": signature, "input_example": build_example(sample)}
            save(**signed)
            described = signed
    undescribed = {"signature": ModelSignature(params=PARAMS)}
    if not described:
        save(**undescribed)
    if not is_checked:
        return
    with attempt(_CHECK):
        failure = _check(folder, properties["modules"], rows)
        if failure is None:
            return
        name = _CHECK
        what = "the logged model does not predict as the trained one where neither the project nor its package is"
        if described and failure.step != "load":
            save(**undescribed)
            if _check(folder, properties["modules"], rows) is None:
                name, what = (
                    _SIGNATURE,
                    "it is left out, as with it the logged model would not predict as the trained one",
                )
            else:
                save(**described)
        with attempt(name):
            raise UnservableModelError(f"{what}: {failure}")


def _ask(model: Any, features: pd.DataFrame) -> dict[str, Any]:
    """Returns a trained model's predictions, by each of its methods that a served model offers."""
    answers = {"predict": model.predict(features)}
    for name in METHODS:
        if name not in answers and hasattr(model, name):
            try:
                answers[name] = getattr(model, name)(features)
            except Exception:  # a model may have a method that fails; then it is not offered
                _LOGGER.debug("The trained model cannot answer %s", name, exc_info=True)
    return answers


def _check(folder: Path, modules: Sequence[str], rows: Path | None) -> CheckFailure | None:
    failure = find_checker().check(folder, modules, rows)
    if failure is None or failure.absent_library is None:
        return failure
    _LOGGER.info("The model cannot be checked here: %s is not installed", failure.absent_library)
    return None
