"""The plan and the package in a sweep's run, from which the sweep can be resumed."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import RunNotOursError, TrackingError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.project import Project
from tg_mlflow.sweeps.delivery import SweepDelivery
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.report.table import FAILED, FINISHED
from tg_mlflow.sweeps.runs import group_children, list_children
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import download_quietly
from tg_mlflow.tracking.tags import STUDY_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

FORMAT = 2
PLAN = "sweep/plan.json"
PACKAGE_FOLDER = "package"


@dataclass(frozen=True)
class RecordedMember:
    """A training in a sweep's plan.

    Attributes:
        name: What it is called.
        combination: Its values of the swept parameters.
        params: The parameters of its run besides its hyperparameters.
        resource: The name of its job in the package.
        config: The keys of its configuration that differ from the sweep's.
    """

    name: str
    combination: Mapping[str, Any]
    params: Mapping[str, str]
    resource: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class RecordedSweep:
    """A sweep's plan.

    Attributes:
        place: The name of the place.
        folder: The project's folder, where it was planned.
        project_name: The project's name.
        config: The configuration, secrets masked.
        package: The artifact with the package.
        members: All trainings.
    """

    place: str
    folder: Path
    project_name: str
    config: Mapping[str, Any]
    package: str
    members: Sequence[RecordedMember]


def record_sweep(
    client: TrackingClient,
    run_id: str,
    project: Project,
    members: Sequence[SweepMember],
    config: PlaceConfig,
    delivery: SweepDelivery,
) -> None:
    """Logs ``sweep/plan.json``, without secrets, and the package to a sweep's run.

    If that fails, the sweep goes on with a warning.
    """
    plan = {
        "format": FORMAT,
        "place": config.place,
        "folder": str(project.folder),
        "project_name": project.name,
        "config": _describe_config(project, config),
        "package": f"{PACKAGE_FOLDER}/{delivery.package.name}",
        "members": [
            _describe_member(client, member, config, each)
            for member, each in zip(members, delivery.deliveries, strict=True)
        ],
    }
    try:
        client.log_artifact(run_id, str(delivery.package), PACKAGE_FOLDER)
        client.log_text(run_id, client.mask.mask(json.dumps(plan, indent=1)), PLAN)
    except TrackingError as error:
        _logger.warning("The sweep's plan could not be logged, so that it cannot be resumed: %s", error)


def read_sweep(client: TrackingClient, run_id: str, folder: Path) -> RecordedSweep:
    """Reads the plan of a sweep's run.

    Args:
        client: The tracking server's.
        run_id: The sweep's run.
        folder: A folder for the download.

    Raises:
        RunNotOursError: If there is none, or it is of another version of this library.
    """
    try:
        content = json.loads(download_quietly(client, run_id, PLAN, folder).read_text(encoding="utf-8"))
    except (TrackingError, ValueError) as error:
        raise RunNotOursError(
            f"run {run_id!r} has no {PLAN} that can be read ({error}): the sweep had not come so far; start a new one"
        ) from error
    if content["format"] != FORMAT:
        raise RunNotOursError(
            f"the plan of run {run_id!r} has the format {content['format']}, and this version reads {FORMAT}; "
            "resume the sweep with the version of tg-mlflow that began it"
        )
    return RecordedSweep(
        place=content["place"],
        folder=Path(content["folder"]),
        project_name=content["project_name"],
        config=content["config"],
        package=content["package"],
        members=[RecordedMember(**each) for each in content["members"]],
    )


def _describe_config(project: Project, config: PlaceConfig) -> dict[str, Any]:
    """Describes a configuration so that it has the same meaning anywhere."""
    described = config.model_dump(mode="json")
    described["datasets_folder"] = str(Path(project.folder, Path(config.datasets_folder).expanduser()))
    build = described.get("build")
    if build is not None and build["ca_bundle"] is not None:
        build["ca_bundle"] = str(project.folder / build["ca_bundle"])
    return described


def _describe_member(
    client: TrackingClient, member: SweepMember, config: PlaceConfig, delivery: SagemakerConfig
) -> dict[str, Any]:
    common, own = config.model_dump(mode="json"), member.config.model_dump(mode="json")
    return {
        "name": member.name,
        "combination": dict(member.combination),
        "params": client.mask.mask_named(member.params),
        "resource": delivery.resource_name,
        "config": {name: value for name, value in own.items() if value != common[name]},
    }


def count_missing(client: TrackingClient, parent: Run) -> int:
    """Counts the trainings of a sweep that have not ended, or were KILLED, or never started.

    Raises:
        RunNotOursError: If the trainings are unknown.
    """
    check_is_no_study(parent)
    with temporary_folder() as folder:
        recorded = read_sweep(client, parent.info.run_id, folder)
    runs = group_children(list_children(client, parent))
    ended = {name for name, each in runs.items() if any(run.info.status in (FINISHED, FAILED) for run in each)}
    return sum(each.name not in ended for each in recorded.members)


def check_is_no_study(parent: Run) -> None:
    if STUDY_TAG in parent.data.tags:
        raise RunNotOursError(
            f"run {parent.info.run_id!r} is a study, which decides itself what is trained; go on with its optimize"
        )
