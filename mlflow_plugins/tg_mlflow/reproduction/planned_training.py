"""Trains the package of a run again: what that takes, for who reproduces a run and who resumes one."""

import json
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tg.common.delivery.sagemaker import Executor
from tg.common.secrets import MASK
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.job_python import trains_with_this_python
from tg_mlflow.delivery.packaged_training import PackagedTraining
from tg_mlflow.delivery.project_delivery import build_options
from tg_mlflow.delivery.secrets import find_config_secrets
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.loading import check_config, describe_problem
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.project import Project
from tg_mlflow.reproduction.dataset_check import check_dataset
from tg_mlflow.reproduction.library_notes import describe_differences, describe_variables
from tg_mlflow.reproduction.recorded_training import RecordedTraining, read_training
from tg_mlflow.takeover.run_job import find_run_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import read_run
from tg_mlflow.tracking.tags import OWN_PREFIX, SYSTEM_PREFIX
from tg_mlflow.training.training import Training

_logger = logging.getLogger("mlflow.tg_mlflow")

# A fact about jobs in containers.
_IMAGE_ID_TAG = "tg.image_id"
# Keys by which an image becomes another one.
_IMAGE_KEYS = ImageConfig.model_fields.keys() - PlaceConfig.model_fields.keys()


@dataclass(frozen=True)
class WantedTraining:
    """How a run is trained again.

    Attributes:
        run_id: The run.
        place: The name of the place; ``None`` for the run's own.
        config: Keys of the backend config that override the run's.
        hyperparameters: Parts of the task to set, besides the run's.
        allows_changed_data: Whether the dataset may be another one.
        experiment_id: Where the new run is created; ``None`` for the run's own experiment.
        run_name: Its name; by default that of the run, with a note.
    """

    run_id: str
    place: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    allows_changed_data: bool = False
    experiment_id: str | None = None
    run_name: str | None = None


@dataclass(frozen=True)
class PlannedTraining:
    """A training of a run's package that can be begun.

    Attributes:
        recorded: What the run remembers.
        client: The client of the tracking server, which masks the run's secrets.
        place: Where it is trained.
        params: The parameters of the new run.
        training: The training.
    """

    recorded: RecordedTraining
    client: TrackingClient
    place: Place
    params: Mapping[str, str]
    training: Training


def plan_training(
    client: TrackingClient, wanted: WantedTraining, folder: Path, dropped: Collection[str], added: Mapping[str, Any]
) -> PlannedTraining:
    """Finds out how a run's package is trained again, and tells what may lead to other numbers.

    Args:
        client: The tracking server's.
        wanted: How it is trained.
        folder: Where the package is put; it has to stay there while it is trained.
        dropped: Keys of the run's configuration that were for its own job alone.
        added: Keys of the new one.

    Raises:
        RunNotOursError: If the run does not have what it takes.
        TgError: If the configuration, the dataset or the package does not fit.
    """
    recorded = read_training(client, read_run(client, wanted.run_id), folder)
    place = _find_place(wanted, recorded)
    config = _build_config(place.config_model, recorded, wanted, dropped).model_copy(update=dict(added))
    if not place.has_prices and "max_cost" not in wanted.config:
        config = config.model_copy(update={"max_cost": None})  # that was for another place
    costs = Costs(place, config)
    costs.check()
    project = _find_project(recorded)
    client = TrackingClient(client.tracking_uri, find_config_secrets(project.folder, config, recorded.params))
    executor = place.open(place.build_options(config, project.folder))
    check_dataset(recorded, build_options(project, config), executor, wanted.allows_changed_data)
    _tell_differences(recorded, config, executor)
    metrics = recorded.run.data.metrics
    source = PackagedTraining(
        path=recorded.package.path,
        resource=recorded.resource,
        project=project,
        metric_names=sorted(name for name in metrics if not name.startswith((OWN_PREFIX, SYSTEM_PREFIX))),
        variables=recorded.variables,
        libraries=recorded.libraries,
        known_image=_find_image(recorded, place, wanted),
        loads_task=executor.traits.is_in_process,
    )
    params = {name: value for name, value in recorded.params.items() if name not in wanted.hyperparameters}
    return PlannedTraining(recorded, client, place, params, Training(source, config, executor, costs=costs))


def _find_place(wanted: WantedTraining, recorded: RecordedTraining) -> Place:
    if wanted.place is not None:
        return find_place(wanted.place)
    return find_run_place(wanted.run_id, recorded.place)


def _build_config(
    model: type[PlaceConfig], recorded: RecordedTraining, wanted: WantedTraining, dropped: Collection[str]
) -> PlaceConfig:
    """Builds the configuration from the run's, as far as the place has these keys, and the given one."""
    given = check_config(model, wanted.config)
    # Relative to the folder of the command, and not to the project's.
    if "datasets_folder" in given:
        given["datasets_folder"] = _make_absolute(given["datasets_folder"])
    if "channels" in given:
        given["channels"] = {name: _make_absolute(value) for name, value in given["channels"].items()}
    kept = {name: value for name, value in recorded.config.items() if name not in dropped and name not in given}
    if foreign := sorted(name for name in kept if name not in model.model_fields):
        _logger.info("%s has no %s; left out", model.place, ", ".join(foreign))
    values = {name: value for name, value in kept.items() if name in model.model_fields} | given
    if wanted.hyperparameters:
        values["hyperparameters"] = {**values.get("hyperparameters", {}), **wanted.hyperparameters}
    for name, value in values.items():
        if MASK in json.dumps(value):
            raise BackendConfigError(
                f"{name!r} of run {wanted.run_id!r} has a secret, which the run does not keep; give it with "
                "--backend-config"
            )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BackendConfigError(
            f"the configuration of run {wanted.run_id!r} cannot be used: {describe_problem(error)}; give the key with "
            "--backend-config"
        ) from None


def _make_absolute(path: str) -> str:
    return path if path.startswith("s3://") else os.path.abspath(Path(path).expanduser())


def _find_project(recorded: RecordedTraining) -> Project:
    """Describes the project's data: its folder, if relative paths are from there, else the current one."""
    folder, known = Path.cwd(), recorded.datasets_folder
    own = Path(recorded.config.get("datasets_folder", PlaceConfig.model_fields["datasets_folder"].default))
    if known is not None and not own.is_absolute():
        split = len(known.parts) - len(own.parts)
        folder = Path(*known.parts[:split]) if Path(*known.parts[split:]) == own else folder
    return Project(str(folder), None, folder, recorded.project_name, None)


def _find_image(recorded: RecordedTraining, place: Place, wanted: WantedTraining) -> str | None:
    """Returns the id of the run's image, which the daemon may still have, unless another one is wanted."""
    is_same = place.name == recorded.place and not wanted.config.keys() & _IMAGE_KEYS
    return recorded.run.data.tags.get(_IMAGE_ID_TAG) if is_same else None


def _tell_differences(recorded: RecordedTraining, config: PlaceConfig, executor: Executor) -> None:
    lines = list[str]()
    if executor.traits.is_in_process or trains_with_this_python(recorded.package, config):
        lines += describe_differences(recorded)
    if executor.traits.is_in_process:
        lines += describe_variables(recorded)
    for line in lines:
        _logger.warning("It may come to other numbers: %s", line)
