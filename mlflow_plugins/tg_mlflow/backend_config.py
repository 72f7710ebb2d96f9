"""What a user may say about where and how a project trains, checked key by key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlflow.projects.utils import (
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tg.common.errors import suggestion
from tg_mlflow.errors import BackendConfigError

DEFAULTS_FILE = "tg.json"

# MLflow puts these into every backend's configuration; they are not the user's.
_FROM_MLFLOW = {
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
}


class BackendConfig(BaseModel):
    """Keys that every backend knows.

    Attributes:
        project_name: The folder of this project's data below ``datasets_folder``; by default the MLproject's name.
        datasets_folder: Relative to the project's folder, or absolute.
        dataset: A file or folder below ``<datasets_folder>/<project_name>``; none for a task that needs no data.
        hyperparameters: Parts of the task to set, by dotted path, such as ``model_provider.constructor.kwargs.C``.
        tags: Tags for the MLflow run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    project_name: str | None = None
    datasets_folder: str = "datasets"
    dataset: str | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)


class AttachedConfig(BackendConfig):
    """Keys of the backend ``tg-attached``."""


Config = TypeVar("Config", bound=BackendConfig)


def load_backend_config(model: type[Config], folder: Path, given: Mapping[str, Any]) -> Config:
    """Puts together a backend's configuration.

    Args:
        model: The backend's keys.
        folder: The project's folder; a ``tg.json`` in it has defaults.
        given: What the user gives, key by key before the defaults, possibly with what MLflow adds.

    Raises:
        BackendConfigError: If a file cannot be read, a key is unknown or a value does not fit.
    """
    path = folder / DEFAULTS_FILE
    defaults = _read_defaults(path) if path.is_file() else {}
    own = {name: value for name, value in given.items() if name not in _FROM_MLFLOW}
    _check(model, defaults, str(path))
    _check(model, own, "the backend config")
    return model.model_validate({**defaults, **own})


def _read_defaults(path: Path) -> dict[str, Any]:
    try:
        defaults = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(defaults, dict):
        raise BackendConfigError(f"{path} holds a {type(defaults).__name__}; give an object with keys and values")
    return defaults


def _check(model: type[BackendConfig], values: Mapping[str, Any], source: str) -> None:
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            message = f"{source} has the unknown key {key!r}; {suggestion(key, model.model_fields)}"
        else:
            message = f"{source} has {key!r} = {json.dumps(problem['input'], default=str)}: {problem['msg']}"
        raise BackendConfigError(message) from error
