"""Warns of settings of an MLproject, and options of MLflow, that our backends ignore."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.projects.utils import PROJECT_BUILD_IMAGE, PROJECT_DOCKER_ARGS, PROJECT_ENV_MANAGER

from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.project.project import Project

_logger = logging.getLogger("mlflow.tg_mlflow")


def warn_of_ignored_settings(project: Project, config: PlaceConfig, options: Mapping[str, Any]) -> None:
    """Logs one warning if the project declares an environment, or the user asks MLflow for one.

    Args:
        project: The project.
        config: The place's configuration.
        options: The options that MLflow passes on among the keys of the backend config.
    """
    ignored = [*_list_keys(project), *_list_options(options)]
    if ignored:
        _logger.warning("%s ignores %s; %s", config.place, " and ".join(ignored), _describe_environment(config))


def _list_keys(project: Project) -> Iterator[str]:
    spec = project.spec
    if not project.is_declared:
        return
    if spec.docker_env:
        yield f"docker_env in the MLproject (image {spec.docker_env.get('image')!r})"
    elif spec.env_config_path:
        yield f"{spec.env_type} of the MLproject ({Path(spec.env_config_path).name})"


def _list_options(options: Mapping[str, Any]) -> Iterator[str]:
    manager = options.get(PROJECT_ENV_MANAGER)
    if manager and manager != "local":
        yield f"--env-manager {manager}"
    if options.get(PROJECT_DOCKER_ARGS):
        yield "--docker-args"
    if options.get(PROJECT_BUILD_IMAGE):
        yield "--build-image"


def _describe_environment(config: PlaceConfig) -> str:
    if not isinstance(config, ImageConfig):
        return "the project runs with the Python and the libraries that are installed here"
    if getattr(config, "image_uri", None):
        return "the project runs in the image that image_uri names"
    return (
        "the project runs in an image with the libraries in the versions that are installed here; the keys "
        "requirements, python_version and base_image name a file, another Python and another image to build on"
    )
