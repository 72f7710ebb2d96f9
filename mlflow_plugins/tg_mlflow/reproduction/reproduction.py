"""Trains a run again from what it remembers, and compares both."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow.entities import Run, RunStatus
from pydantic import ValidationError

from tg.common.delivery.sagemaker import Executor
from tg.common.secrets import MASK
from tg.common.system.interrupts import terminating_as_interrupt
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.comparison.run_record import read_record
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.job_python import trains_with_this_python
from tg_mlflow.delivery.packaged_training import PackagedTraining
from tg_mlflow.delivery.project_delivery import build_options
from tg_mlflow.delivery.secrets import find_config_secrets
from tg_mlflow.description.writing import write_description
from tg_mlflow.errors import BackendConfigError, RecordingError, TrackingError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.loading import check_config, describe_problem
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.project import Project
from tg_mlflow.reproduction.dataset_check import check_dataset
from tg_mlflow.reproduction.library_notes import describe_differences, describe_variables
from tg_mlflow.reproduction.recorded_training import RecordedTraining, read_training
from tg_mlflow.reproduction.verdict import Verdict, judge
from tg_mlflow.takeover.run_job import find_run_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import read_run
from tg_mlflow.tracking.tags import OWN_PREFIX, REPRODUCED_BY_TAG, SYSTEM_PREFIX, VERDICT_TAG
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_reproducing_run
from tg_mlflow.training.training import Training, train_recorded

_logger = logging.getLogger("mlflow.tg_mlflow")

VERDICT_ARTIFACT = "reproduction.json"

_SUFFIX = " reproduced"

# A fact about jobs in containers.
_IMAGE_ID_TAG = "tg.image_id"
# Keys by which an image becomes another one.
_IMAGE_KEYS = ImageConfig.model_fields.keys() - PlaceConfig.model_fields.keys()
_WAITED_FOR = ("detach", "dry_run")
# What was for the run's own job alone: its name, what it goes on from, and where its model is registered.
_NOT_AGAIN = (*_WAITED_FOR, "job_name", "checkpoints", "register")


@dataclass(frozen=True)
class Reproduction:
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


def reproduce(client: TrackingClient, wanted: Reproduction) -> Verdict:
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
    run = read_run(client, wanted.run_id)
    with temporary_folder() as folder:
        recorded = read_training(client, run, folder)
        place = _find_place(wanted, recorded)
        config = _build_config(place.config_model, recorded, wanted)
        if not place.has_prices and "max_cost" not in wanted.config:
            config = config.model_copy(update={"max_cost": None})  # that was for another place
        costs = Costs(place, config)
        costs.check()
        project = _find_project(recorded)
        client = TrackingClient(client.tracking_uri, find_config_secrets(project.folder, config, recorded.params))
        executor = place.open(place.build_options(config, project.folder))
        check_dataset(recorded, build_options(project, config), executor, wanted.allows_changed_data)
        _tell_differences(recorded, config, executor)
        source = PackagedTraining(
            path=recorded.package.path,
            resource=recorded.resource,
            project=project,
            metric_names=sorted(name for name in run.data.metrics if not name.startswith((OWN_PREFIX, SYSTEM_PREFIX))),
            variables=recorded.variables,
            libraries=recorded.libraries,
            known_image=_find_image(recorded, place, wanted),
            loads_task=executor.traits.is_in_process,
        )
        params = {name: value for name, value in recorded.params.items() if name not in wanted.hyperparameters}
        with terminating_as_interrupt():
            experiment_id = wanted.experiment_id or run.info.experiment_id
            name = wanted.run_name or f"{run.info.run_name.removesuffix(_SUFFIX)}{_SUFFIX}"
            run_id = create_reproducing_run(client, run, experiment_id, place.name, name)
            _logger.info("Run %s trains the package of run %s again, at %s", run_id, run.info.run_id, place.name)
            with announcing_interrupt(client, run_id):
                end = train_recorded(client, run_id, params, Training(source, config, executor, costs=costs))
            announce_end(client, run_id, end)
    if end.failure is not None:
        _logger.error("%s", end.failure.partition("\n")[0])
    if end.status == RunStatus.to_string(RunStatus.RUNNING):
        raise RecordingError(
            f"run {run_id!r} is not complete; when `tg-mlflow attach {run_id}` has recorded it, compare it with "
            f"`tg-mlflow diff {run.info.run_id} {run_id}`"
        )
    return _write_verdict(client, run, run_id)


def _find_place(wanted: Reproduction, recorded: RecordedTraining) -> Place:
    if wanted.place is not None:
        return find_place(wanted.place)
    return find_run_place(wanted.run_id, recorded.place)


def _build_config(model: type[PlaceConfig], recorded: RecordedTraining, wanted: Reproduction) -> PlaceConfig:
    """Builds the configuration from the run's, as far as the place has these keys, and the given one."""
    given = check_config(model, wanted.config)
    for name in _WAITED_FOR:
        if given.get(name):
            raise BackendConfigError(f"{name} does not go with a run that is compared when it has ended; leave it out")
    # Relative to the folder of the command, and not to the project's.
    if "datasets_folder" in given:
        given["datasets_folder"] = _make_absolute(given["datasets_folder"])
    if "channels" in given:
        given["channels"] = {name: _make_absolute(value) for name, value in given["channels"].items()}
    kept = {name: value for name, value in recorded.config.items() if name not in _NOT_AGAIN and name not in given}
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


def _find_image(recorded: RecordedTraining, place: Place, wanted: Reproduction) -> str | None:
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
