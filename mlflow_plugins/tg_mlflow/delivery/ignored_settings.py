"""Says what of a project's declared environment, and of MLflow's options, our backends do not heed."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.projects.utils import PROJECT_BUILD_IMAGE, PROJECT_DOCKER_ARGS, PROJECT_ENV_MANAGER

from tg_mlflow.delivery.job_python import is_local, uses_declared_environment
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.project.declared_environment import read_declared_environment
from tg_mlflow.project.environments.declaration import DeclaredEnvironment
from tg_mlflow.project.project import Project, ProjectCommand
from tg_mlflow.project.train_command import TrainCommand

_logger = logging.getLogger("mlflow.tg_mlflow")


def warn_of_ignored_settings(
    project: Project, command: ProjectCommand, config: PlaceConfig, options: Mapping[str, Any]
) -> None:
    """Logs one warning of what is ignored, and one of what is heeded in another way than it is declared.

    A task has been pickled with the libraries that are installed here, so only a script gets what its project declares.

    Args:
        project: The project.
        command: What it runs.
        config: The place's configuration.
        options: The options that MLflow passes on among the keys of the backend config.

    Raises:
        ProjectError: If what the project declares cannot be read.
    """
    if isinstance(command, TrainCommand):
        ignored, notes = [*_list_keys(project), *_list_options(options, _list_managers(options))], []
        what = "project"
    else:
        declared = read_declared_environment(project, not is_local(config))
        is_used = _is_used(declared, config)
        ignored = [*_list_ignored(declared, config), *_list_options(options, _list_managers(options, is_used))]
        notes = [*(declared.notes if is_used else ()), *_describe_manager(declared, options, is_used, config)]
        what = "command"
    if ignored:
        _logger.warning("%s ignores %s; %s", config.place, " and ".join(ignored), _describe_environment(config, what))
    if notes:
        _logger.warning("%s", "; ".join(notes))


def _is_used(declared: DeclaredEnvironment, config: PlaceConfig) -> bool:
    """Whether the place makes the environment of what a project declares."""
    if isinstance(config, ImageConfig):
        has_libraries = declared.base_image is None or not _has_ready_image(config)
        return declared.source is not None and has_libraries
    return declared.source is not None and declared.base_image is None and uses_declared_environment(config)


def _has_ready_image(config: PlaceConfig) -> bool:
    return getattr(config, "image_uri", None) is not None


def _list_ignored(declared: DeclaredEnvironment, config: PlaceConfig) -> Iterator[str]:
    if declared.source is None or is_local(config) or _is_used(declared, config):
        return
    yield _describe_image(declared.base_image) if declared.base_image else declared.source


def _list_keys(project: Project) -> Iterator[str]:
    spec = project.spec
    if not project.is_declared:
        return
    if spec.docker_env:
        yield _describe_image(spec.docker_env.get("image"))
    elif spec.env_config_path:
        yield f"{spec.env_type} of the MLproject ({Path(spec.env_config_path).name})"


def _describe_image(image: str) -> str:
    return f"docker_env in the MLproject (image {image!r})"


def _list_managers(options: Mapping[str, Any], is_used: bool = False) -> list[str]:
    manager = options.get(PROJECT_ENV_MANAGER)
    return [f"--env-manager {manager}"] if manager and manager != "local" and not is_used else []


def _list_options(options: Mapping[str, Any], managers: list[str]) -> Iterator[str]:
    yield from managers
    if options.get(PROJECT_DOCKER_ARGS):
        yield "--docker-args"
    if options.get(PROJECT_BUILD_IMAGE):
        yield "--build-image"


def _describe_manager(
    declared: DeclaredEnvironment, options: Mapping[str, Any], is_used: bool, config: PlaceConfig
) -> Iterator[str]:
    manager = options.get(PROJECT_ENV_MANAGER)
    if is_used and _has_ready_image(config):
        yield f"of {declared.source}, what the image of image_uri lacks is installed when the job starts, and no more"
    if manager and is_used and manager != "local":
        maker = "an image" if isinstance(config, ImageConfig) else "uv"
        yield f"the environment of {declared.source} is made with {maker}, not with {manager}"


def _describe_environment(config: PlaceConfig, what: str) -> str:
    if not isinstance(config, ImageConfig):
        return f"the {what} runs with the Python and the libraries that are installed here"
    if _has_ready_image(config):
        return f"the {what} runs in the image that image_uri names"
    if what == "command":
        return "the command runs in an image with the libraries that the project declares, or else imports"
    return (
        "the project runs in an image with the libraries in the versions that are installed here; the keys "
        "requirements, python_version and base_image name a file, another Python and another image to build on"
    )
