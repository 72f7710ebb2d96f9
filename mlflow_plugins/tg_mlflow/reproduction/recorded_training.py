"""Reads from a run what it takes to train it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, Run

from tg.common.delivery.delivery import Package
from tg.common.delivery.delivery.code.installed_distributions import name_distribution
from tg.common.delivery.delivery.package.finished_package import read_finished_package
from tg_mlflow.errors import RunNotOursError, TrackingError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import download_quietly, is_running
from tg_mlflow.tracking.state import read_state
from tg_mlflow.tracking.tags import (
    ENVIRONMENT_ARTIFACT,
    PACKAGE_SHA256_TAG,
    PLACE_TAG,
    SWEEP_TAG,
)
from tg_mlflow.tracking.training_data import TRAINING_CONTEXT, find_channels, find_context

_PACKAGE_FOLDER = "package"


@dataclass(frozen=True)
class RecordedTraining:
    """What a run remembers of how it was trained.

    Attributes:
        run: The run.
        package: Its package.
        place: The name of its place.
        config: The keys of its configuration that were not as by default; secrets are masked.
        params: The parameters that it was given.
        resource: The name of its job among the package's objects.
        project_name: The name of its project.
        datasets_folder: The folder of the projects' data, where it was trained; ``None`` if that is not known.
        dataset: What it was trained on; ``None`` if that is not known.
        channels: What was in its channels, by their names, as far as that is known.
        environment: Where it was trained; nothing if that is not known.
    """

    run: Run
    package: Package
    place: str
    config: Mapping[str, Any]
    params: Mapping[str, str]
    resource: str
    project_name: str
    datasets_folder: Path | None
    dataset: Dataset | None
    channels: Mapping[str, Dataset]
    environment: Mapping[str, Any]

    @property
    def libraries(self) -> Mapping[str, str]:
        """The versions of its libraries, as its job has found them, or as its package names them."""
        found = self.environment.get("libraries") or self.package.properties.get("library_versions") or {}
        return {name_distribution(name): str(version) for name, version in found.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The variables that its numbers may depend on: how many threads compute, and the seed of hashes."""
        threads = {str(name): str(value) for name, value in (self.environment.get("threads") or {}).items()}
        seed = str(self.environment.get("hash_seed", "random"))
        return {**threads, **({"PYTHONHASHSEED": seed} if seed.isdecimal() else {})}


def read_training(client: TrackingClient, run: Run, folder: Path) -> RecordedTraining:
    """Reads how a run was trained.

    Args:
        client: The tracking server's.
        run: The run.
        folder: Where its package is put; it has to stay there while that is used.

    Raises:
        RunNotOursError: If it is no training of ours, has not ended, or lacks what is needed.
        PackagingError: If its package is damaged.
        TrackingError: If the tracking server does not answer.
    """
    run_id, tags = run.info.run_id, run.data.tags
    if SWEEP_TAG in tags:
        raise RunNotOursError(f"run {run_id!r} is a sweep; give the id of one of its trainings' runs")
    if PLACE_TAG not in tags:
        raise RunNotOursError(
            f"run {run_id!r} has no place ({PLACE_TAG}): it is no training of tg-mlflow, or never began"
        )
    if is_running(run):
        raise RunNotOursError(
            f"run {run_id!r} is {run.info.status}; wait until it has ended, or, if its launcher is gone, record its "
            f"end with `tg-mlflow attach {run_id}`"
        )
    state = read_state(run)
    package = read_finished_package(_download_package(client, run, folder))
    expected = tags.get(PACKAGE_SHA256_TAG, package.sha256)
    if package.sha256 != expected:
        raise RunNotOursError(
            f"the package of run {run_id!r} is not what was trained: its SHA-256 is {package.sha256}, and that was "
            f"{expected}; restore the artifact"
        )
    return RecordedTraining(
        run=run,
        package=package,
        place=tags[PLACE_TAG],
        config=state.config,
        params={name: run.data.params[name] for name in state.parameters if name in run.data.params},
        resource=state.resource or "job",
        project_name=str(state.config.get("project_name") or state.project_name or package.name),
        datasets_folder=None if state.datasets_folder is None else Path(state.datasets_folder),
        dataset=_find_dataset(run, state.config.get("dataset")),
        channels=find_channels(run),
        environment=_read_environment(client, run_id, folder),
    )


def _download_package(client: TrackingClient, run: Run, folder: Path) -> Path:
    run_id = run.info.run_id
    found = [each.path for each in client.list_artifacts(run_id, _PACKAGE_FOLDER) if each.path.endswith(".tar.gz")]
    if not found:
        raise RunNotOursError(
            f"run {run_id!r} has no package, so it cannot be trained again: its launcher ended before it was there; if "
            f"its job is kept on this machine, `tg-mlflow attach {run_id}` brings it"
        )
    return download_quietly(client, run_id, found[0], folder)


def _find_dataset(run: Run, name: object) -> Dataset | None:
    """Finds the dataset among the run's inputs, of which a script may have logged others."""
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    found = [each.dataset for each in inputs if find_context(each) == TRAINING_CONTEXT]
    if name is None or not found:
        return None
    # A link has the name of what it leads to.
    return next((each for each in found if each.name == Path(str(name)).name), found[0] if len(found) == 1 else None)


def _read_environment(client: TrackingClient, run_id: str, folder: Path) -> dict[str, Any]:
    if ENVIRONMENT_ARTIFACT not in {each.path for each in client.list_artifacts(run_id)}:
        return {}
    try:
        content = json.loads(download_quietly(client, run_id, ENVIRONMENT_ARTIFACT, folder).read_text(encoding="utf-8"))
    except (TrackingError, ValueError) as error:
        raise RunNotOursError(f"{ENVIRONMENT_ARTIFACT} of run {run_id!r} cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}
