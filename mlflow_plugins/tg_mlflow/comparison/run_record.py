"""What a run remembers of a training: what it was made of, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlflow.entities import DatasetInput, Run

from tg.common.delivery.sagemaker.archive.names import ARCHIVE_NAME
from tg.common.delivery.sagemaker.archive.safe_extraction import extract_archive, scan_archive
from tg_mlflow.comparison.metric_history import Point, read_histories
from tg_mlflow.comparison.package_record import PackageRecord, read_package
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import download_quietly, is_running, read_run
from tg_mlflow.tracking.state import RunState, find_state
from tg_mlflow.tracking.tags import (
    ENVIRONMENT_ARTIFACT,
    NOT_UPLOADED_TAG,
    OWN_PREFIX,
    SWEEP_TAG,
    SYSTEM_PREFIX,
)
from tg_mlflow.tracking.training_data import find_channels, find_context, is_by_metadata, is_channel

_TASK = "task.json"
_PACKAGE, _RESULT = "package", "result"
# Measurements of a job and its machine, which are never the same.
_MEASURED = (OWN_PREFIX, SYSTEM_PREFIX)
# How jsonpickle names a set, which has another order in each process.
_SET = "py/set"
# A training that ends so makes no archive.
_WITHOUT_RESULTS = ("FAILED", "KILLED")
# What an archive has of predictions.
_PREDICTIONS = ("result_df", "predictions")


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset that a run has as its input.

    Attributes:
        name: Its name.
        digest: The digest of its content.
        context: What for, such as ``training``.
        rows: How many rows it has, if that is known.
        is_by_metadata: Whether the digest is that of S3's metadata, which no file of a machine has.
    """

    name: str
    digest: str
    context: str
    rows: int | None
    is_by_metadata: bool


@dataclass(frozen=True)
class RunRecord:
    """What a run remembers. What it has not recorded is ``None``.

    Attributes:
        run: The run.
        params: Its parameters.
        config: The keys of the configuration that are not as by default, by dotted path.
        place_options: The options of the place that are not as by default, by dotted path.
        datasets: The datasets.
        channels: The digest of what was in each channel; ``None`` if that is not recorded.
        package: What was trained, from the package.
        task: The task as text, by the paths of its parts.
        environment: Python, libraries and machine of the job.
        metrics: The points of each metric.
        predictions: The files with predictions, by their names in the result archive.
    """

    run: Run
    params: Mapping[str, str]
    config: Mapping[str, str] | None
    place_options: Mapping[str, str] | None
    datasets: Sequence[DatasetRecord] | None
    channels: Mapping[str, str | None]
    package: PackageRecord | None
    task: Mapping[str, str] | None
    environment: Mapping[str, Any] | None
    metrics: Mapping[str, Sequence[Point]]
    predictions: Mapping[str, Path] | None

    @property
    def tags(self) -> Mapping[str, str]:
        """The run's tags."""
        return dict(self.run.data.tags)

    @property
    def is_running(self) -> bool:
        """Whether the run has not ended."""
        return is_running(self.run)


def read_record(client: TrackingClient, run_id: str, folder: Path) -> RunRecord:
    """Reads what a run remembers, of any place and version of this library.

    Args:
        client: The tracking server's.
        run_id: The run.
        folder: Where files of the run are put; it has to stay there while the record is used.

    Raises:
        RunNotOursError: If there is no such run, or it is a sweep, or has been deleted.
        ResultArchiveError: If its package or result archive is damaged.
        TrackingError: If the tracking server or the artifact store does not answer.
    """
    run = read_run(client, run_id)
    tags = run.data.tags
    if SWEEP_TAG in tags:
        raise RunNotOursError(f"run {run_id!r} is a sweep; give the id of one of its trainings' runs")
    folder = folder / run_id
    folder.mkdir(exist_ok=True)
    files = _Artifacts(client, run_id, folder)
    package = files.download_first(_PACKAGE, ".tar.gz")
    record = None if package is None else read_package(package)
    task, state = files.read_object(_TASK), find_state(tags)
    archive = files.download_first(_RESULT, ARCHIVE_NAME)
    return RunRecord(
        run=run,
        params=dict(run.data.params),
        config=None if state is None else flatten(state.config),
        place_options=None if state is None else flatten(state.place_options),
        datasets=_read_datasets(run, state),
        channels=_read_channels(run, {} if state is None else state.config),
        package=record,
        task=None if task is None else _flatten_task(task, record),
        environment=files.read_object(ENVIRONMENT_ARTIFACT),
        metrics=read_histories(
            client, run_id, sorted(key for key in run.data.metrics if not key.startswith(_MEASURED))
        ),
        predictions=_read_predictions(run, archive, folder / "predictions"),
    )


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Writes the parts of a JSON value by their dotted paths; text that could be something else is in quotes."""
    if isinstance(value, list) and path.endswith(_SET):
        value = sorted(value, key=json.dumps)
    parts = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    if path and not parts:
        return {path: value if isinstance(value, str) and not _is_json(value) else json.dumps(value)}
    named = {f"{path}.{key}" if path else str(key): part for key, part in parts.items()}
    return {name: text for each, part in named.items() for name, text in flatten(part, each).items()}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _flatten_task(task: Any, package: PackageRecord | None) -> dict[str, str]:
    root = "" if package is None else f"{package.root}."
    return {path: text.replace(root, "") if root else text for path, text in flatten(task).items()}


def read_object(text: str | None) -> dict[str, Any] | None:
    """Parses a JSON object; what is damaged counts as not recorded."""
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_datasets(run: Run, state: RunState | None) -> list[DatasetRecord] | None:
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    found = [_read_dataset(each) for each in inputs if not is_channel(each)]
    has_none = state is not None and "dataset" not in state.config and state.dataset is None
    return found if found or has_none else None


def _read_dataset(given: DatasetInput) -> DatasetRecord:
    dataset = given.dataset
    rows = (read_object(dataset.profile) or {}).get("num_rows")
    return DatasetRecord(dataset.name, dataset.digest, find_context(given), rows, is_by_metadata(dataset))


def _read_channels(run: Run, config: Mapping[str, Any]) -> dict[str, str | None]:
    named = config.get("channels")
    known = {name: str(each.digest) for name, each in find_channels(run).items()}
    return {**dict.fromkeys(named if isinstance(named, dict) else ()), **known}


def _read_predictions(run: Run, archive: Path | None, folder: Path) -> dict[str, Path] | None:
    if archive is None:
        has_none = run.info.status in _WITHOUT_RESULTS and NOT_UPLOADED_TAG not in run.data.tags
        return {} if has_none else None
    members = [member.name for member in scan_archive(archive) if not member.is_folder]
    names = [name for name in members if PurePosixPath(name).stem in _PREDICTIONS]
    extract_archive(archive, folder, set(names))
    return {name: folder / name for name in names}


class _Artifacts:
    """Reads a run's artifacts; what is not there is ``None``."""

    def __init__(self, client: TrackingClient, run_id: str, folder: Path) -> None:
        self._client, self._run_id, self._folder = client, run_id, folder
        self._names = self._list("")

    def download_first(self, folder: str, ending: str) -> Path | None:
        """Downloads the first file in a folder whose name has an ending."""
        if folder not in self._names:
            return None
        name = next((name for name in self._list(folder) if name.endswith(ending)), None)
        return None if name is None else self._download(name)

    def read_object(self, name: str) -> dict[str, Any] | None:
        """Reads a file with a JSON object."""
        if name not in self._names:
            return None
        return read_object(self._download(name).read_text(encoding="utf-8", errors="replace"))

    def _list(self, folder: str) -> list[str]:
        return sorted(each.path for each in self._client.list_artifacts(self._run_id, folder or None))

    def _download(self, name: str) -> Path:
        return download_quietly(self._client, self._run_id, name, self._folder)
