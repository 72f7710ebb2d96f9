"""Describes how a project's task is delivered, from the project, its configuration and its code."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tg.common.delivery.delivery import (
    Containering,
    DependencyList,
    ImageBuildOptions,
    Packaging,
)
from tg.common.delivery.sagemaker import SagemakerConfig, SagemakerJob, SagemakerOptions
from tg.common.delivery.sagemaker.command import CommandTask
from tg.common.delivery.sagemaker.options.options import is_in_s3
from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.delivery.job_python import is_local
from tg_mlflow.delivery.script_packaging import package_scripts
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.declared_environment import read_declared_environment
from tg_mlflow.project.project import Project

_VERSION_LENGTH = 8


def build_delivery(task: AbstractTrainingTask, project: Project, config: PlaceConfig) -> SagemakerConfig:
    """Describes the delivery of ``task``, as :func:`build_deliveries` does for several."""
    return build_deliveries([task], project, config)[0]


def build_deliveries(
    tasks: Sequence[AbstractTrainingTask], project: Project, config: PlaceConfig
) -> list[SagemakerConfig]:
    """Describes the delivery of tasks in one package, which one image holds.

    The package is named after the tasks' class. Its version is a digest of the project's code, so that packages of
    different code can be loaded side by side, and the same code gives the same package. Of a folder without an
    MLproject it holds only what the tasks need, and its version is a digest of all that.

    Raises:
        DeliveryError: If a name of the configuration cannot be used, or a file cannot be part of a package.
    """
    jobs = [SagemakerJob(task) for task in tasks]
    names = ["job"] if len(jobs) == 1 else [f"job_{number}" for number in range(1, len(jobs) + 1)]
    payload = dict(zip(names, jobs, strict=True))
    scripts = [task for task in tasks if isinstance(task, CommandTask)]
    if scripts:
        packaging = package_scripts(
            scripts, payload, project, read_declared_environment(project, not is_local(config)), config
        )
    else:
        packaging = _package(payload, project, config)
    packaging.silent = True
    if isinstance(config, ImageConfig) and config.requirements is not None:
        packaging.additional_dependencies = [_read_requirements(project.folder, config.requirements)]
    containering = build_containering(packaging, project.folder, config)
    options = build_options(project, config)
    return [SagemakerConfig(job, packaging, containering, options) for job in jobs]


def _package(payload: Mapping[str, SagemakerJob], project: Project, config: PlaceConfig) -> Packaging:
    """Describes a package of tasks that are made of the project's modules."""
    task = next(iter(payload.values())).task
    takes_folder = project.is_declared or bool(config.data_files)
    packaging = Packaging(type(task).__name__, "0", payload)
    packaging.silent = True
    packaging.project_folder = project.folder if takes_folder else None
    packaging.data_files = config.data_files
    packaging.version = (packaging.digest_project() if takes_folder else _digest(packaging))[:_VERSION_LENGTH]
    return packaging


def _read_requirements(folder: Path, given: str | list[str]) -> DependencyList:
    if isinstance(given, str):
        return DependencyList.from_requirements("project", folder / given)
    return DependencyList("project", given)


def _digest(packaging: Packaging) -> str:
    with temporary_folder() as folder:
        return packaging.make_package(folder).sha256


def build_options(project: Project, config: PlaceConfig) -> SagemakerOptions:
    """Describes a project's data and what its jobs get; needs no task.

    Raises:
        DeliveryError: If a value of the configuration is invalid.
    """
    return SagemakerOptions(
        project_name=config.project_name or project.name,
        datasets_folder=Path(project.folder, Path(config.datasets_folder).expanduser()),
        dataset=config.dataset,
        hyperparameters={name: _as_text(value) for name, value in config.hyperparameters.items()},
        **{
            "role": None,
            "bucket": None,
            **find_place(config.place).build_job_options(config),
            "checkpoints": _find_checkpoints(project.folder, config),
            "channels": {name: _find_channel(project.folder, value) for name, value in config.channels.items()},
        },
    )


def _find_checkpoints(folder: Path, config: PlaceConfig) -> bool | Path:
    given = getattr(config, "checkpoints", False)
    if isinstance(given, bool):
        return given
    return not is_in_s3(given) and Path(folder, Path(given).expanduser())


def _find_channel(folder: Path, value: str) -> str | Path:
    return value if is_in_s3(value) else Path(folder, Path(value).expanduser())


def build_containering(packaging: Packaging, folder: Path, config: PlaceConfig) -> Containering:
    """Describes how the image of a package is built.

    Args:
        packaging: The package.
        folder: The project's folder, to which the configuration's files are relative.
        config: The configuration.
    """
    containering = Containering.from_packaging(packaging)
    containering.run_file_name = "train.py"
    if isinstance(config, ImageConfig):
        declared = packaging.environment or {}
        declared_image = declared.get("base_image")
        containering.base_image = config.base_image or declared_image
        # What such an image has is what the project needs; a script runs with any Python that jobs can have.
        containering.keeps_base_libraries = declared_image is not None
        made_with = packaging.get_properties()["python_version"]  # a pickled task needs that version
        default = None if declared_image else made_with.rpartition(".")[0]
        containering.python_version = config.python_version or declared.get("python_version") or default
        build = config.build.model_dump()
        build["pip_extra_index_urls"] += declared.get("index_urls", [])
        build["ca_bundle"] = None if config.build.ca_bundle is None else folder / config.build.ca_bundle
        containering.build_options = ImageBuildOptions(**build)
        containering.has_gpus = config.has_gpus
    return containering


def _as_text(value: Any) -> str:
    """Formats a hyperparameter, which travels as a string: other values as JSON, which the job parses."""
    return value if isinstance(value, str) else json.dumps(value)
