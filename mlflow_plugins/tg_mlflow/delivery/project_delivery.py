"""Says how a project's task is delivered: from its project, its user's configuration and its code."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tg.common.delivery.delivery import (
    Containering,
    DependencyList,
    ImageBuildOptions,
    Packaging,
    collect_project_files,
    temporary_folder,
)
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerConfig, SagemakerJob, SagemakerOptions, VpcOptions
from tg.common.delivery.sagemaker.remote.limits import split_tags
from tg.common.errors import listed
from tg.common.ml.training_core import AbstractTrainingTask
from tg_mlflow.delivery.mlflow_calls import warn_of_mlflow_calls
from tg_mlflow.places.config import (
    AttachedConfig,
    BackendConfig,
    ImageConfig,
    LocalConfig,
    ProcessConfig,
    RemoteConfig,
)
from tg_mlflow.project.project import Project

_logger = logging.getLogger("mlflow.tg_mlflow")

_VERSION_LENGTH = 8


def build_delivery(task: AbstractTrainingTask, project: Project, config: BackendConfig) -> SagemakerConfig:
    """Describes the delivery of ``task``, as :func:`build_deliveries` does for several."""
    return build_deliveries([task], project, config)[0]


def build_deliveries(
    tasks: Sequence[AbstractTrainingTask], project: Project, config: BackendConfig
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
    takes_folder = project.is_declared or bool(config.data_files)
    packaging = Packaging(type(tasks[0]).__name__, "0", dict(zip(names, jobs, strict=True)))
    packaging.project_folder = project.folder if takes_folder else None
    packaging.data_files = config.data_files
    packaging.silent = True
    packaging.version = digest_project(project.folder, config.data_files) if takes_folder else _digest(packaging)
    if isinstance(config, ImageConfig) and config.requirements is not None:
        packaging.additional_dependencies = [_read_requirements(project.folder, config.requirements)]
    containering = build_containering(packaging, project.folder, config)
    options = build_options(project, config)
    return [SagemakerConfig(job, packaging, containering, options) for job in jobs]


def _read_requirements(folder: Path, given: str | list[str]) -> DependencyList:
    if isinstance(given, str):
        return DependencyList.from_requirements("project", folder / given)
    return DependencyList("project", given)


def _digest(packaging: Packaging) -> str:
    with temporary_folder() as folder:
        return packaging.make_package(folder).sha256[:_VERSION_LENGTH]


def warn_of_ignored_calls(packaging: Packaging, config: BackendConfig) -> None:
    """Logs one warning if a task's code writes to MLflow where no run surrounds it.

    Args:
        packaging: The tasks' package, which has been made.
        config: How it is delivered.
    """
    if not isinstance(config, AttachedConfig):
        warn_of_mlflow_calls(packaging.needed_modules, config.backend)


def build_options(project: Project, config: BackendConfig) -> SagemakerOptions:
    """Says where a project's data are and whose account it uses; needs no task.

    Raises:
        DeliveryError: If a value of the configuration cannot be meant so.
    """
    return SagemakerOptions(
        role=getattr(config, "role", None) or os.environ.get("AWS_ROLE"),
        bucket=getattr(config, "bucket", None),
        project_name=config.project_name or project.name,
        datasets_folder=Path(project.folder, Path(config.datasets_folder).expanduser()),
        dataset=config.dataset,
        hyperparameters={name: _as_text(value) for name, value in config.hyperparameters.items()},
        **_options_of(config),
    )


def digest_project(folder: Path, data_files: Sequence[str]) -> str:
    """Digests the code of a project: the first characters of a SHA-256 over its files' names and contents.

    The names are those in the package, so that it does not matter where a project is, or how it is installed.
    """
    digest = hashlib.sha256()
    files = collect_project_files(folder, data_files)
    for path, file in (*files.modules.items(), *files.data.items()):
        try:
            content = file.read_bytes()
        except OSError:
            continue  # if it is needed, the package cannot be made
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_VERSION_LENGTH]


def _options_of(config: BackendConfig) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if isinstance(config, ProcessConfig):
        options.update(environment=config.environment, stop_grace_seconds=config.stop_grace_seconds)
    if isinstance(config, LocalConfig):
        names = ("cpus", "memory", "gpus", "network", "docker_host")
        options.update({name: getattr(config, name) for name in names})
    if isinstance(config, RemoteConfig):
        options.update(environment=config.environment, docker_host=config.docker_host, remote=_build_remote(config))
    return options


def _build_remote(config: RemoteConfig) -> RemoteOptions:
    """The options of a job on SageMaker; its tags are those of the run that it takes, for bills."""
    own = {each.name for each in fields(RemoteOptions)} - {"tags", "vpc"}
    vpc = None if config.vpc is None else VpcOptions(config.vpc.subnets, config.vpc.security_group_ids)
    tags, left_out = split_tags(config.tags)
    if left_out:
        _logger.warning("SageMaker does not take the tags %s; they are the run's only", listed(left_out))
    return RemoteOptions(**{name: getattr(config, name) for name in own}, vpc=vpc, tags=tags)


def build_containering(packaging: Packaging, folder: Path, config: BackendConfig) -> Containering:
    """Says how the image of a package is made.

    Args:
        packaging: The package.
        folder: The project's; files that the configuration names are relative to it.
        config: The configuration.
    """
    containering = Containering.from_packaging(packaging)
    containering.run_file_name = "train.py"
    if isinstance(config, ImageConfig):
        containering.base_image = config.base_image or containering.base_image
        containering.python_version = config.python_version or containering.python_version
        build = config.build.model_dump()
        build["ca_bundle"] = None if config.build.ca_bundle is None else folder / config.build.ca_bundle
        containering.build_options = ImageBuildOptions(**build)
        containering.has_gpus = config.has_gpus
    return containering


def _as_text(value: Any) -> str:
    """Hyperparameters travel as texts; what is none is written as JSON, which the task's parts are read from."""
    return value if isinstance(value, str) else json.dumps(value)
