"""Packages the tasks of a sweep in one package, which is made once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tg.common.delivery.delivery import install_package_and_get_loader
from tg.common.delivery.delivery.package.finished_package import read_finished_package
from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.delivery.job_python import find_job_python
from tg_mlflow.delivery.made_package import MadePackaging, make_once
from tg_mlflow.delivery.project_delivery import (
    build_containering,
    build_deliveries,
    build_options,
)
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.project.project import Project
from tg_mlflow.sweeps.member import SweepMember


@dataclass(frozen=True)
class SweepDelivery:
    """The delivery of a sweep's trainings.

    Attributes:
        package: The file of their package.
        deliveries: For each member how it is delivered.
    """

    package: Path
    deliveries: Sequence[SagemakerConfig]


@contextmanager
def delivering_sweep(project: Project, members: Sequence[SweepMember], config: PlaceConfig) -> Iterator[SweepDelivery]:
    """Builds the members' tasks and their package, which exists while the context is open.

    What of the tasks is the project's has to be importable.

    Raises:
        TgError: If the project, its data or the configuration do not fit.
        Exception: Whatever the project's code raises, unchanged.
    """
    tasks = [member.make_task() for member in members]
    deliveries = build_deliveries(tasks, project, config)
    with temporary_folder() as folder:
        package, made = make_once(deliveries, folder)
        python = find_job_python(package, config)
        each = zip(made, members, strict=True)
        yield SweepDelivery(
            package.path,
            [
                replace(delivery, options=build_options(project, member.config), python=python)
                for delivery, member in each
            ],
        )


def deliver_from_package(
    path: Path, resources: Sequence[str], project: Project, members: Sequence[SweepMember], config: PlaceConfig
) -> SweepDelivery:
    """Describes the delivery of a sweep's trainings from their existing package.

    Of the project, only its data are needed.

    Args:
        path: The package's file.
        resources: For each member the name of its job in the package.
        project: Where its data are.
        members: The trainings.
        config: How they are delivered.

    Raises:
        TgError: If the package cannot be loaded here, or the configuration is invalid.
    """
    loader = install_package_and_get_loader(path)
    jobs = {name: loader.load_resource(name) for name in resources}
    package = read_finished_package(path)
    made = MadePackaging(package, jobs)
    python = find_job_python(package, config)
    containering = build_containering(made, project.folder, config)
    return SweepDelivery(
        path,
        [
            SagemakerConfig(jobs[name], made, containering, build_options(project, member.config), python)
            for name, member in zip(resources, members, strict=True)
        ],
    )
