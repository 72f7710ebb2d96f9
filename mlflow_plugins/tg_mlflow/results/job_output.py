"""Logs the artifacts that a job's code has logged, itself or with MLflow, and what it has left in its output folder."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mlflow.entities import LoggedModel, LoggedModelStatus, Run

from tg.common.delivery.sagemaker.archive.names import LOGGED, OUTPUT_DATA
from tg.common.ml.training_core.artifact_folder import FILES, TABLES
from tg_mlflow.errors import TrackingError
from tg_mlflow.results.optional_parts import Attempt
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.job_runs import find_job_models, find_job_runs, map_ids
from tg_mlflow.tracking.tags import JOB_MODEL_STATUS_TAG, REGISTER_PREFIX

_RUNS, _MODELS = "tg_mlflow/runs", "tg_mlflow/models"
_TABLES = f"{LOGGED}/{TABLES}"
# Folders, and where the run has what is in them.
_FILES = {OUTPUT_DATA: "output", f"{LOGGED}/{FILES}": None, _TABLES: None}
_MODEL_FILE = "MLmodel"
_ARTIFACT_PATH = re.compile(r"^artifact_path: .*$", re.MULTILINE)
# Where the job's store keeps a model, and an artifact of a run.
_MODEL_SOURCE = re.compile(r"(?:^models:/|/models/)(?P<model>m-[0-9a-f]{32})(?:/artifacts)?/?$")
_RUN_SOURCE = re.compile(r"(?:^runs:/(?P<named>[0-9a-f]{32})|/(?P<run>[0-9a-f]{32})/artifacts)/(?P<path>.+)$")


class JobOutput(Protocol):
    """What a job has made: its result archive, or what there is without one."""

    def list(self) -> list[str]:
        """Lists files by their names."""

    def get_path(self, name: str) -> Path:
        """Returns where a file or folder is."""


def log_job_output(
    client: TrackingClient,
    run_id: str,
    archive: JobOutput,
    upload: Attempt,
    attempt: Attempt,
    training: Run | None = None,
) -> None:
    """Logs what is in an archive besides the task's own results; doing it again changes nothing.

    Artifacts go to the runs and models that have been created while the job ran. Models are ready then, and those that
    are to be registered are.

    Args:
        client: The tracking server's.
        run_id: The run of the training.
        archive: What the job has made.
        upload: Opened around each upload, which it lets fail by itself.
        attempt: Opened around each registration.
        training: The run, if it has just been read.

    Raises:
        TrackingError: If the tracking server does not answer.
    """
    names = archive.list()
    training = training or client.get_run(run_id)
    for source, target in _FILES.items():
        if found := _list_files(source, names):
            with upload(target or "logged files"):
                client.log_artifacts(run_id, str(archive.get_path(source)), target)
                if source == _TABLES:
                    client.note_tables(run_id, found)
    given_runs, given_models = _list_below(_RUNS, names), _list_below(_MODELS, names)
    has_models = bool(given_models or (training.outputs and training.outputs.model_outputs))
    registrations = _list_registrations(training)
    if not (given_runs or has_models or registrations):
        return
    models = find_job_models(client, run_id, training.info.experiment_id)
    runs = {run_id: training, **find_job_runs(client, run_id, training.info.experiment_id)}
    ids = {local_id: run.info.run_id for local_id, run in runs.items()}
    ids |= {local_id: model.model_id for local_id, model in models.items()}
    for local_id in given_runs:
        with upload(f"artifacts of run {local_id}"):
            folder = archive.get_path(f"{_RUNS}/{local_id}")
            _map_model_files(folder, ids)
            client.log_artifacts(_find(ids, local_id), str(folder))
    for local_id, model in models.items():
        with upload(f"model {model.name}"):
            files = archive.get_path(f"{_MODELS}/{local_id}") if local_id in given_models else None
            _complete_model(client, model, files, ids)
    by_id = {run.info.run_id: run for run in runs.values()}
    for tag, registration in registrations.items():
        with attempt(f"registered model {registration['name']}"):
            _register(client, by_id, tag, run_id, registration)
            client.delete_tag(run_id, tag)


def _list_files(folder: str, names: list[str]) -> list[str]:
    """Lists the files below a folder, by their paths from there."""
    return [name.removeprefix(f"{folder}/") for name in names if name.startswith(f"{folder}/") and name[-1] != "/"]


def _list_below(folder: str, names: list[str]) -> list[str]:
    """Lists the folders below another one that hold files."""
    return list(dict.fromkeys(name.partition("/")[0] for name in _list_files(folder, names) if "/" in name))


def _find(ids: Mapping[str, str], local_id: str) -> str:
    if local_id not in ids:
        raise TrackingError(f"no record of the log has said what {local_id} is", is_final=True)
    return ids[local_id]


def _map_model_files(folder: Path, ids: Mapping[str, str], location: str | None = None) -> None:
    for path in folder.rglob(_MODEL_FILE):
        text = map_ids(path.read_text(encoding="utf-8"), ids)
        if location is not None:
            text = _ARTIFACT_PATH.sub(lambda _: f"artifact_path: {location}", text)
        path.write_text(text, encoding="utf-8")


def _complete_model(client: TrackingClient, model: LoggedModel, folder: Path | None, ids: Mapping[str, str]) -> None:
    is_open = model.status == LoggedModelStatus.PENDING
    if folder is not None and model.status != LoggedModelStatus.READY:
        _map_model_files(folder, ids, model.artifact_location)
        client.log_model_artifacts(model.model_id, str(folder))
    if is_open and (folder is not None or model.tags.get(JOB_MODEL_STATUS_TAG) == str(LoggedModelStatus.READY)):
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _list_registrations(training: Run) -> dict[str, dict[str, Any]]:
    """Returns what is to be registered, by the tags of the run that say so, in its order."""
    names = [name for name in training.data.tags if name.startswith(REGISTER_PREFIX)]
    return {name: json.loads(training.data.tags[name]) for name in sorted(names, key=lambda name: (len(name), name))}


def _register(client: TrackingClient, runs: Mapping[str, Run], tag: str, training_id: str, given: Any) -> None:
    """Registers a model, unless that has been done, which a tag of its version says."""
    name = given["name"]
    quote = '"' if "'" in name else "'"
    if any(each.tags.get(tag) == training_id for each in client.search_model_versions(f"name = {quote}{name}{quote}")):
        return
    try:
        client.create_registered_model(name)
    except TrackingError as error:
        if not error.is_final:  # otherwise there is one, or its version is refused, too
            raise
    source, model_id = given["source"], given["model"]
    if found := _MODEL_SOURCE.search(source):
        model_id = model_id or found["model"]
        source = f"models:/{model_id}"
    elif found := _RUN_SOURCE.search(source):
        run = runs[found["named"] or found["run"]]
        source = f"{run.info.artifact_uri}/{found['path']}"
    tags = {**given["tags"], tag: training_id}
    client.create_model_version(
        name, source, given["run"], tags=tags, description=given["description"], model_id=model_id
    )
